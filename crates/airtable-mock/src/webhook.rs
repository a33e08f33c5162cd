//! What webhooks hear of a change, and how they are notified.
//!
//! A webhook keeps payloads, numbered from 1 without a gap of its own making; clients read them by cursor.
//! It lives seven days from its creation, its last refresh or its last read, and its payloads seven days
//! from the change they tell of. All times are the server's clock.
//!
//! | file | holds |
//! |---|---|
//! | `scope` | what a specification means in a base |
//! | `payload`, `cell` | payloads, and cells in their form |
//! | `tell` | a transaction told to those who want to hear |
//! | `ping` | notifications, signed and sent |

mod cell;
mod payload;
pub(crate) mod ping;
pub(crate) mod scope;
pub(crate) mod tell;
