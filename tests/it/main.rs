//! One integration binary.
mod mock;
