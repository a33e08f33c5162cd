//! Decoder benchmark.
fn main() {}
