//! Lists of mirrors, as `dnf` takes them: a line a mirror, or a metalink.

use crate::xml::{Step, Walk};

/// As many as are tried.
const MOST: usize = 20;

/// What a list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mirrors {
    /// As the list has them, in order of choice.
    pub(super) urls: Vec<String>,
    /// Of `repomd.xml`, where the list says so: of the newest, and of older ones.
    pub(super) sha256: Vec<String>,
}

/// The folder of a repository: what packages and indexes are relative to.
pub(super) fn base(url: &str) -> String {
    let url = url.strip_suffix("repodata/repomd.xml").unwrap_or(url);
    format!("{}/", url.trim_end_matches('/'))
}

/// Reads a list; what is no list has no mirrors.
pub(super) fn read(text: &str) -> Mirrors {
    let mut mirrors = if text.trim_start().starts_with('<') {
        read_metalink(text)
    } else {
        Mirrors {
            urls: text.lines().filter_map(of_line).collect(),
            sha256: Vec::new(),
        }
    };
    mirrors.urls.truncate(MOST);
    mirrors
}

/// `http://…`, maybe behind words such as `url =`.
fn of_line(line: &str) -> Option<String> {
    let url = line.split_whitespace().find(|word| is_http(word))?;
    let before = &line[..line.find(url)?];
    let is_plain = |letter: char| letter.is_alphanumeric() || " \t=_".contains(letter);
    (before.chars().all(is_plain) && !url.contains('$')).then(|| url.to_owned())
}

fn is_http(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn read_metalink(text: &str) -> Mirrors {
    let mut mirrors = Mirrors::default();
    let mut urls: Vec<(i64, String)> = Vec::new();
    let mut walk = Walk::new(text);
    // A document that breaks off names what came before.
    while let Ok(Some(step)) = walk.next_step() {
        let Step::Open(element) = step else { continue };
        let name = element.name();
        if name.ends_with(b"url") && !element.is_empty {
            let preference = element.attribute("preference");
            let preference = preference.and_then(|text| text.parse().ok()).unwrap_or(0);
            let Ok(url) = walk.text(&element) else { break };
            let url = url.trim();
            if is_http(url) && url.ends_with("repodata/repomd.xml") {
                urls.push((preference, url.to_owned()));
            }
        } else if name.ends_with(b"hash") && !element.is_empty {
            let is_sha256 = element.attribute("type").as_deref() == Some("sha256");
            let Ok(hash) = walk.text(&element) else { break };
            if is_sha256 {
                mirrors.sha256.push(hash.trim().to_ascii_lowercase());
            }
        }
    }
    // Those of one preference stay in order.
    urls.sort_by_key(|(preference, _)| -preference);
    mirrors.urls = urls.into_iter().map(|(_, url)| url).collect();
    mirrors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_mirror() {
        let text =
            "# http://not/this\n\nhttp://a/os/\nurl = https://b/os\nftp://c/\nhttp://d/$arch/\n";
        let mirrors = read(text);
        assert_eq!(mirrors.urls, ["http://a/os/", "https://b/os"]);
        assert_eq!(base(&mirrors.urls[1]), "https://b/os/");
        assert_eq!(read("words\n"), Mirrors::default());
    }

    #[test]
    fn a_metalink_has_an_order_and_hashes() {
        let text = "<?xml version=\"1.0\"?><metalink xmlns=\"m\" xmlns:mm0=\"f\"><files>\
            <file name=\"repomd.xml\"><size>3</size><verification><hash type=\"md5\">ab</hash>\
            <hash type=\"sha256\">CD</hash></verification><mm0:alternates><mm0:alternate>\
            <verification><hash type=\"sha256\">ef</hash></verification></mm0:alternate>\
            </mm0:alternates><resources maxconnections=\"1\">\
            <url protocol=\"rsync\" preference=\"100\">rsync://x/repodata/repomd.xml</url>\
            <url protocol=\"http\" preference=\"9\">http://a/os/repodata/repomd.xml</url>\
            <url protocol=\"http\" preference=\"90\">http://b/?a=1&amp;b=2/repodata/repomd.xml</url>\
            </resources></file></files></metalink>";
        let mirrors = read(text);
        assert_eq!(
            mirrors.urls,
            [
                "http://b/?a=1&b=2/repodata/repomd.xml",
                "http://a/os/repodata/repomd.xml"
            ]
        );
        assert_eq!(mirrors.sha256, ["cd", "ef"]);
        assert_eq!(base(&mirrors.urls[1]), "http://a/os/");
        assert_eq!(read("<html><a href=\"http://x\">x</a>"), Mirrors::default());
    }
}
