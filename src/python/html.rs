//! Tables as notebooks show them. Pure: texts in, HTML out.
//!
//! Invariant: whatever is given is text, and none of it is markup.

/// Rows that one table shows; the others are counted.
const MOST_ROWS: usize = 200;

/// A table of HTML with a line above it. A row may be shorter than the header.
pub(super) fn table(caption: &str, header: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |kind: &str, texts: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = texts.map(|text| format!("<{kind}>{}</{kind}>", escaped(text))).collect();
        format!("<tr>{}</tr>", cells.concat())
    };
    let head = cells("th", &mut header.iter().copied());
    let body = rows.iter().take(MOST_ROWS).map(|row| cells("td", &mut row.iter().map(String::as_str)));
    let body = body.collect::<Vec<_>>().join("\n");
    let more = rows.len().saturating_sub(MOST_ROWS);
    let more = if more == 0 { String::new() } else { format!("\n<p>and {more} more</p>") };
    let caption = escaped(caption);
    format!("<p>{caption}</p>\n<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>{more}")
}

/// The text as itself, in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Notebooks typeset what stands between two of them.
            '$' => escaped.push_str("&#36;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_given_is_markup() {
        let odd = "<script>alert(\"1 & '2'\")</script> $x$";
        let html = table(odd, &[odd], &[vec![odd.to_owned()]]);
        let told = "&lt;script&gt;alert(&quot;1 &amp; &#39;2&#39;&quot;)&lt;/script&gt; &#36;x&#36;";
        assert_eq!(html.matches(told).count(), 3, "{html}");
        assert!(!html.contains("<script") && !html.contains('$'), "{html}");
    }

    #[test]
    fn a_long_table_ends_with_how_much_is_left_out() {
        let rows = |count: usize| (0..count).map(|n| vec![format!("row {n}")]).collect::<Vec<_>>();
        let html = table("", &["n"], &rows(MOST_ROWS));
        assert!(html.contains("<td>row 199</td>") && html.ends_with("</table>"), "{html}");
        let html = table("", &["n"], &rows(MOST_ROWS + 3));
        assert!(!html.contains("row 200") && html.ends_with("<p>and 3 more</p>"), "{html}");
    }
}
