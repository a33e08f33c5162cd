//! One integration binary.
mod mock;
mod mock_speed;
