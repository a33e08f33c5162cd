//! Cursors that expire, and then expire again where they did before.

use super::*;

#[test]
fn one_cursor_that_expires_after_some_pages() {
    check(vec![
        (
            "where that leads nowhere, it reads smaller shares, one after the other",
            Reader::alone,
            vec![
                (page(0, 100, "a"), "0@a /"),
                (expired(0), "again 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (expired(0), "cut 0@-"),
                (page(0, 100, "b"), "0@b /"),
                (expired(0), "cut 0@-"),
                (last(0, 50), "/ 0@-"),
                (last(0, 50), "/ 0@-"),
            ],
        ),
        (
            "but not for ever: the smallest share begins again, and gets nowhere",
            Reader::alone,
            [(page(0, 100, "a"), "0@a /"), (expired(0), "again 0@-")]
                .into_iter()
                .chain((0..3).flat_map(|_| [(page(0, 0, "a"), "0@a /"), (expired(0), "cut 0@-")]))
                .chain((0..3).flat_map(|_| [(page(0, 0, "a"), "0@a /"), (expired(0), "again 0@-")]))
                .chain([
                    (page(0, 0, "a"), "0@a /"),
                    (
                        expired(0),
                        "the page cursor expired 3 times without a new record in between: the smallest share*",
                    ),
                ])
                .collect(),
        ),
        (
            "nor where the number of records is limited: only one cursor can tell which are the first",
            Reader::limited,
            [(page(0, 100, "a"), "/ 0@a"), (expired(0), "again 0@-")]
                .into_iter()
                .chain((0..2).flat_map(|_| [(page(0, 0, "a"), "/ 0@a"), (expired(0), "again 0@-")]))
                .chain([
                    (page(0, 0, "a"), "/ 0@a"),
                    (expired(0), "the page cursor expired 3 times without a new record in between: read without max*"),
                ])
                .collect(),
        ),
        (
            "where shares are refused, all is read again",
            Reader::alone,
            vec![
                (page(0, 100, "a"), "0@a /"),
                (expired(0), "again 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (expired(0), "cut 0@-"),
                (status(0, 422, "INVALID_FILTER_BY_FORMULA"), "whole 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (expired(0), "again 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (last(0, 1), "/ all is read"),
            ],
        ),
        (
            "a share that fails otherwise is the read's failure",
            Reader::alone,
            vec![
                (page(0, 100, "a"), "0@a /"),
                (expired(0), "again 0@-"),
                (page(0, 0, "a"), "0@a /"),
                (expired(0), "cut 0@-"),
                (busy(0), "fail"),
            ],
        ),
    ]);
}

#[test]
fn several_cursors_that_expire_after_some_pages() {
    check(vec![
        (
            "a share that expires begins again, and where that leads nowhere, is read in smaller ones",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (expired(2), "again 2@-"),
                (page(2, 0, "a1"), "2@a1 /"),
                (page(3, 100, "b1"), "3@b1 /"),
                (expired(2), "cut 2@-"),
                (last(2, 9), "/ 2@-"),
                (page(2, 0, "a1"), "2@a1 /"),
                (expired(2), "cut 2@-"),
                (last(2, 9), "/ 2@-"),
            ],
        ),
        (
            "while the others are read on",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (expired(2), "again 2@-"),
                (page(2, 0, "a1"), "2@a1 /"),
                (expired(2), "cut 2@-"),
                (last(3, 100), "/"),
                (last(4, 100), "/"),
                (last(1, 9), "/"),
                (busy(2), "once more 2@-"),
                (last(2, 9), "/ 2@-"),
            ],
        ),
        (
            "a smaller share that is refused is the first cursor's",
            Reader::divided,
            vec![
                (page(2, 100, "a1"), "2@a1 /"),
                (expired(2), "again 2@-"),
                (page(2, 0, "a1"), "2@a1 /"),
                (expired(2), "cut 2@-"),
                (status(2, 422, "INVALID"), "join 0@p12"),
            ],
        ),
    ]);
}
