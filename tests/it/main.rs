//! One integration binary: everything here goes over real sockets, to a mock on loopback.

mod added;
mod arrivals;
mod bases;
mod changes;
mod conditions;
mod cursors;
mod examples;
mod expiry;
mod faults;
mod first_load;
mod late;
mod layers;
mod machines;
mod oauth;
mod odd_webhooks;
mod polls;
mod read;
mod source;
mod stats;
mod stored;
mod webhooks;
