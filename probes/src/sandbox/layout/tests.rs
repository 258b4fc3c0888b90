use super::blocks::{Asked, Note};
use super::pages::{PAGE, Written};
use super::region::hot_blocks;

fn written(pages: &[usize]) -> Written {
    let mut written = Written::default();
    written.extend(pages.iter().map(|page| page * PAGE));
    written
}

fn asked(bytes: usize, number: u32) -> Asked {
    Asked { bytes, number }
}

fn gave_out(bytes: usize, number: u32, address: usize) -> Note {
    Note::GaveOut { asked: asked(bytes, number), address }
}

#[test]
fn a_block_is_hot_where_any_of_its_bytes_is_in_a_page_that_was_written_to() {
    let notes = [
        gave_out(100, 0, 3 * PAGE - 100),
        gave_out(101, 0, 3 * PAGE - 100),
        gave_out(100, 1, 4 * PAGE - 1),
        gave_out(100, 2, 4 * PAGE),
        gave_out(3 * PAGE, 0, 2 * PAGE - 1),
    ];
    let hot = hot_blocks(&notes, [&written(&[3])]);
    assert_eq!(hot, [asked(100, 1), asked(101, 0), asked(3 * PAGE, 0)]);
    assert_eq!(hot_blocks(&notes, [&written(&[])]), []);
}

#[test]
fn what_was_freed_or_moved_away_is_not_hot() {
    let (here, elsewhere) = (PAGE, 9 * PAGE);
    let freed = [gave_out(64, 0, here), Note::Freed { address: here }];
    assert_eq!(hot_blocks(&freed, [&written(&[1])]), []);
    let given_out_again = [freed[0], freed[1], gave_out(32, 5, here)];
    assert_eq!(hot_blocks(&given_out_again, [&written(&[1])]), [asked(32, 5)]);
    // As `realloc` notes it.
    let moved = [gave_out(64, 0, here), Note::Freed { address: here }, gave_out(128, 0, elsewhere)];
    assert_eq!(hot_blocks(&moved, [&written(&[1])]), []);
    assert_eq!(hot_blocks(&moved, [&written(&[9])]), [asked(128, 0)]);
}

#[test]
fn what_is_written_first_goes_before_what_would_not_fit() {
    // Two thirds of the place each.
    let notes: Vec<_> = (0..64).map(|number| gave_out(32 << 10, number, (number as usize + 1) << 20)).collect();
    let first: Vec<_> = (0..32).map(|number| (number + 33) << 8).collect();
    let second: Vec<_> = (0..32).map(|number| (number + 1) << 8).collect();
    let hot = hot_blocks(&notes, [&written(&first), &written(&second)]);
    assert!(hot.len() > 32 && hot.len() < 64, "{}", hot.len());
    assert!((32..64).all(|number| hot.contains(&asked(32 << 10, number))), "{hot:?}");
}
