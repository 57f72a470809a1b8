//! The documentation of a collection as HTML that is safe to show.

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, html};

/// Renders a document by the ending of its name: Markdown, or text as it is.
pub(crate) fn html(name: &str, text: &str) -> String {
    let text = text.replace('\0', "\u{fffd}");
    if is_markdown(name) {
        markdown(&text)
    } else {
        let mut html = String::from("<pre>");
        escape(&mut html, &text);
        html.push_str("</pre>\n");
        html
    }
}

/// Whether a document is Markdown, as its name says.
pub(crate) fn is_markdown(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        ending.eq_ignore_ascii_case("md") || ending.eq_ignore_ascii_case("markdown")
    })
}

fn markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        // Raw HTML may be a script; it is shown as the text that it is.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: harmless(link_type, dest_url),
            title,
            id,
        }),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Image {
            link_type,
            dest_url: harmless(link_type, dest_url),
            title,
            id,
        }),
        other => other,
    });
    let mut rendered = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut rendered, events);
    rendered
}

/// A link's target, unless following it could run something.
fn harmless(kind: LinkType, url: CowStr<'_>) -> CowStr<'_> {
    // Written without the scheme that it gets when it is rendered.
    if kind == LinkType::Email {
        return url;
    }
    let end = url.find(['/', '?', '#']).unwrap_or(url.len());
    // Browsers pass over spaces and control characters inside of a scheme.
    let scheme: Option<String> = url[..end].split_once(':').map(|(scheme, _)| {
        let characters = scheme.chars().filter(char::is_ascii_alphanumeric);
        characters.collect::<String>().to_ascii_lowercase()
    });
    match scheme.as_deref() {
        None | Some("http" | "https" | "mailto") => url,
        Some(_) => CowStr::Borrowed("#"),
    }
}

fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(
            html(
                "README.md",
                "# Zoo\n\n*all* [birds](https://example.org/a?b=c)\n"
            ),
            "<h1>Zoo</h1>\n<p><em>all</em> <a href=\"https://example.org/a?b=c\">birds</a></p>\n"
        );
        assert!(html("README.md", "|a|\n|-|\n|b|\n").contains("<td>b</td>"));
    }

    #[test]
    fn nothing_in_a_document_can_run() {
        let document = "<script>alert(1)</script>\n\nx <img src=x onerror=alert(1)>\n\n\
            [a](javascript:alert(1)) [b](JaVaScRiPt:x) [c](<java\tscript:x>) \
            ![d](data:text/html,x) <vbscript:x> [e](docs/a.md) <me@example.org>\n";
        let html = html("README.md", document);
        assert!(
            !html.contains("<script") && !html.contains("<img src=\"x"),
            "{html}"
        );
        for word in [
            "href=\"javascript",
            "href=\"JaVa",
            "href=\"java",
            "src=\"data",
            "href=\"vb",
        ] {
            assert!(!html.contains(word), "{word}: {html}");
        }
        assert!(html.contains("href=\"docs/a.md\""), "{html}");
        assert!(html.contains("mailto:me@example.org"), "{html}");
    }

    #[test]
    fn other_text_is_shown_as_it_is() {
        assert_eq!(
            html("README.rst", "<b>\0"),
            "<pre>&lt;b&gt;\u{fffd}</pre>\n"
        );
    }
}
