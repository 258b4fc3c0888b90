//! The whole of it, from a result to a provider, against providers in this process that fail on demand.

mod providers;
mod scene;

mod clocks;
mod crashes;
mod faults;
mod handsets;
mod kinds;
mod ladder;
