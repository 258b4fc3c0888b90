use super::*;
use proptest::prelude::*;

/// What a packet was read as, in words.
#[derive(Default)]
struct Heard(Vec<String>);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Visitor for Heard {
    fn reading(&mut self, reading: Reading<'_>) {
        let value = match reading.value {
            Value::Number(number) => format!("{number}"),
            Value::Change(change) => format!("{change:+}"),
            Value::Member(member) => text(member),
        };
        let mut heard = format!("{:?} {}={value}", reading.kind, text(reading.name));
        if reading.weight != 1.0 {
            heard += &format!(" x{}", reading.weight);
        }
        if !reading.tags.is_empty() {
            heard += &format!(" #{}", text(reading.tags));
        }
        if let Some(at) = reading.timestamp_s {
            heard += &format!(" T{at}");
        }
        self.0.push(heard);
    }

    fn event(&mut self, event: Event<'_>) {
        self.0.push(format!(
            "event {}|{}|{:?} host={} tags={}",
            text(event.title),
            text(event.text),
            event.alert_type,
            text(event.host),
            text(event.tags)
        ));
    }

    fn service_check(&mut self, check: ServiceCheck<'_>) {
        let (name, message, tags) = (text(check.name), text(check.message), text(check.tags));
        self.0.push(format!("check {name} {:?} {message} tags={tags}", check.status));
    }

    fn invalid(&mut self, _: &[u8], reason: Invalid) {
        self.0.push(format!("{reason:?}"));
    }
}

fn heard(packet: &[u8]) -> Vec<String> {
    let mut heard = Heard::default();
    parse_packet(packet, &mut heard);
    heard.0
}

#[test]
fn lines_are_read_or_refused_with_a_reason() {
    let cases: &[(&str, &[&str])] = &[
        // Etsy, 2011.
        ("gorets:1|c", &["Counter gorets=1"]),
        ("gorets:1|c|@0.1", &["Counter gorets=1 x10"]),
        ("gorets:1|c|@0.3", &["Counter gorets=1 x3.3333333333333335"]),
        ("glork:320|ms|@0.1", &["Timer glork=320 x10"]),
        ("gaugor:333|g", &["Gauge gaugor=333"]),
        ("gaugor:-10|g", &["Gauge gaugor=-10"]),
        ("gaugor:+4|g", &["Gauge gaugor=+4"]),
        ("uniques:765|s", &["Set uniques=765"]),
        ("a:1|c:2|c:320|ms", &["Counter a=1", "Counter a=2", "Timer a=320"]),
        ("a:1|c|@0.5:2|c", &["Counter a=1 x2", "Counter a=2"]),
        ("a:1|c\nb:2|g\r\n\nc:3|h", &["Counter a=1", "Gauge b=2", "Histogram c=3"]),
        // DogStatsD.
        ("page.views:1|c|#a:b,c", &["Counter page.views=1 #a:b,c"]),
        ("fuel.level:0.5|g|@0.5|#x:y", &["Gauge fuel.level=0.5 x2 #x:y"]),
        (
            "l:1:2:32.5|h|#host:a:80",
            &["Histogram l=1 #host:a:80", "Histogram l=2 #host:a:80", "Histogram l=32.5 #host:a:80"],
        ),
        ("l:1:x:3|d", &["Distribution l=1", "BadNumber", "Distribution l=3"]),
        ("p:1|c|#env:dev|c:83c0a99c0a54", &["Counter p=1 #env:dev"]),
        ("p:15|g|#e:d|T1656581400", &["Gauge p=15 #e:d T1656581400"]),
        ("p:1|c|c:in-1234|e:it-false,cn-x|card:low", &["Counter p=1"]),
        ("visitors:2001:db8::1|s|#v:6", &["Set visitors=2001:db8::1 #v:6"]),
        ("t:1|c|", &["Counter t=1"]),
        ("größe:1|c", &["Counter größe=1"]),
        (
            "_e{5,9}:Login|down\\nnow|h:web-1|t:error|p:low|#a:b|c:x",
            &["event Login|down\\nnow|Error host=web-1 tags=a:b"],
        ),
        ("_e{4,0}:abcd|", &["event abcd||Info host= tags="]),
        ("_sc|redis|2|h:db|#r:eu|m:no | answer", &["check redis Critical no | answer tags=r:eu"]),
        ("_sc|redis|0", &["check redis Ok  tags="]),
        // What is wrong, and does not stop the rest.
        ("x\na:1|c", &["NoValue", "Counter a=1"]),
        (":1|c", &["NoName"]),
        ("a:1", &["NoType"]),
        ("a:1|", &["NoType"]),
        ("a:1|x\nb:1|counter\nc:1|m", &["UnknownType", "UnknownType", "UnknownType"]),
        ("a:|c", &["BadNumber"]),
        ("a:nan|g", &["BadNumber"]),
        ("a:-1|c", &["NegativeCounter"]),
        ("a:|s", &["EmptyMember"]),
        (
            "a:1|c|@0\nb:1|c|@2\nc:1|c|@-1\nd:1|c|@x\ne:1|c|@1e-320",
            &["BadRate", "BadRate", "BadRate", "BadRate", "BadRate"],
        ),
        ("a:1|c|Tnow", &["BadTimestamp"]),
        ("a:1|c|what", &["UnknownPart"]),
        ("_e{5,3}:abc|def", &["BadEvent"]),
        ("_e{0,3}:|def", &["BadEvent"]),
        ("_e{99999999999999999999,3}:a|def", &["BadEvent"]),
        ("_e{1,1}:a|b|d:x", &["BadEvent"]),
        ("_sc|x|7", &["BadServiceCheck"]),
        ("_sc||1", &["BadServiceCheck"]),
    ];
    for (packet, expected) in cases {
        assert_eq!(heard(packet.as_bytes()), *expected, "{packet}");
    }
    assert_eq!(heard(b"\xff\xfe:1|c\nb:1|c"), ["NameNotText", "Counter b=1"]);
}

/// The grammar once more, written without care for speed: lines and parts are split, and then looked at.
fn naive(packet: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in packet.split('\n').filter(|line| !line.is_empty()) {
        let Some((name, rest)) = line.split_once(':') else {
            out.push("NoValue".to_owned());
            continue;
        };
        let parts: Vec<&str> = rest.split('|').collect();
        let weight = parts.iter().skip(2).rev().find_map(|part| part.strip_prefix('@'));
        let weight = weight.map_or(1.0, |rate| 1.0 / rate.parse::<f64>().unwrap());
        let tags = parts.iter().skip(2).rev().find_map(|part| part.strip_prefix('#')).unwrap_or("");
        let kind = match parts[1] {
            "c" => Kind::Counter,
            "g" => Kind::Gauge,
            "ms" => Kind::Timer,
            "h" => Kind::Histogram,
            "d" => Kind::Distribution,
            _ => Kind::Set,
        };
        let values: Vec<&str> = if kind == Kind::Set { vec![parts[0]] } else { parts[0].split(':').collect() };
        for text in values {
            let value = match kind {
                Kind::Set => Value::Member(text.as_bytes()),
                Kind::Gauge if text.starts_with(['+', '-']) => Value::Change(text.parse().unwrap()),
                _ => Value::Number(text.parse().unwrap()),
            };
            let mut heard = Heard::default();
            let (name, tags) = (name.as_bytes(), tags.as_bytes());
            heard.reading(Reading { name, kind, value, weight, tags, timestamp_s: None });
            out.append(&mut heard.0);
        }
    }
    out
}

fn valid_line() -> impl Strategy<Value = String> {
    let number = "(0|[1-9][0-9]{0,6})(\\.[0-9]{1,6})?";
    let sampled = proptest::option::of(prop_oneof![Just("|@0.1"), Just("|@0.3"), Just("|@1"), Just("|@0.001")]);
    let tags = proptest::option::of("\\|#[a-z]{1,5}(:[a-z0-9:/]{0,6})?(,[a-z]{1,4}:[a-z]{1,3}){0,3}");
    let name = "[a-zA-Z][a-zA-Z0-9._ -]{0,20}";
    let kinds = prop_oneof![
        (proptest::collection::vec(number, 1..4), prop_oneof![Just("c"), Just("ms"), Just("h"), Just("d")]),
        (proptest::collection::vec("[-+]?[0-9]{1,9}", 1..4), Just("g")),
        (proptest::collection::vec("[a-z0-9.:]{1,12}", 1..2), Just("s")),
    ];
    (name, kinds, sampled, tags).prop_map(|(name, (values, kind), rate, tags)| {
        format!("{name}:{}|{kind}{}{}", values.join(":"), rate.unwrap_or_default(), tags.unwrap_or_default())
    })
}

proptest! {
    #[test]
    fn valid_packets_are_read_as_the_naive_model_reads_them(lines in proptest::collection::vec(valid_line(), 0..8)) {
        let packet = lines.join("\n");
        prop_assert_eq!(heard(packet.as_bytes()), naive(&packet));
    }

    #[test]
    fn nonsense_between_two_lines_does_not_touch_them(nonsense in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut packet = b"first:1|c\n".to_vec();
        packet.extend_from_slice(&nonsense);
        packet.extend_from_slice(b"\nlast:2|g");
        let heard = heard(&packet);
        prop_assert_eq!(&heard[0], "Counter first=1");
        prop_assert_eq!(heard.last().map(String::as_str), Some("Gauge last=2"));
    }
}

/// A short deterministic run in the manner of a fuzzer: valid lines with bytes changed, cut and repeated.
#[test]
fn changed_bytes_never_break_the_parser() {
    const SEEDS: [&[u8]; 8] = [
        b"gorets:1|c|@0.1|#a:b,c:d|T1656581400|c:ab",
        b"a:1:2:3|ms\nb:-5|g\nc:x|s",
        b"_e{5,4}:title|text|d:1|h:x|k:y|p:low|s:z|t:error|#a",
        b"_sc|name|2|d:1|h:x|#a|m:msg",
        b"a:1|c:2|ms|@0.5:3|g",
        b"\r\n\n:|::||@@##",
        b"a:1e308|h\nb:99999999999999999999.5|d",
        "größe:1|c|#ü:ö".as_bytes(),
    ];
    const ALPHABET: &[u8] = b":|@#,\n\r_e{}scmghdT0123456789.+-\xff\x00 ";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut values = 0;
    for round in 0..200_000 {
        let mut packet = SEEDS[round % SEEDS.len()].to_vec();
        for _ in 0..1 + random(6) {
            let at = random(packet.len().max(1)).min(packet.len());
            match random(4) {
                0 if at < packet.len() => packet[at] = ALPHABET[random(ALPHABET.len())],
                1 => packet.insert(at, ALPHABET[random(ALPHABET.len())]),
                2 => packet.truncate(at),
                _ => packet.extend_from_within(at..),
            }
        }
        let lines = packet.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && *line != b"\r").count();
        let heard = heard(&packet);
        assert!(heard.len() >= lines, "a line was passed over in silence: {:?}", text(&packet));
        values += heard.len();
    }
    assert!(values > 200_000, "{values}");
}
