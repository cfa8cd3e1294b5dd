//! Why an image cannot be pulled, and whether trying again can help.

use super::Obstacle;

/// What registries and container runtimes say when the image is not there, or not for us: another attempt gets the
/// same answer. Lower case.
const SETTLED: &[&str] = &[
    "not found",
    "manifest unknown",
    "name unknown",
    "does not exist",
    "no match for platform",
    "no matching manifest",
    "denied",
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "403 forbidden",
    "401 unauthorized",
    "invalid reference format",
    "invalidimagename",
];
/// Of the same, those that are about who asks.
const CREDENTIALS: &[&str] = &[
    "denied",
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "403 forbidden",
];
/// In these the words above are about something else, such as a name server.
const UNSETTLED: &[&str] = &["no such host", "server misbehaving", "toomanyrequests"];

/// What is in the way of an image, by the kubelet's reason and words.
pub(super) fn obstacle(image: &str, reason: &str, words: &str) -> Obstacle {
    match reason {
        "InvalidImageName" => {
            Obstacle::passing(format!("`{image}` is no name of an image: {words}"))
                .hint("correct the registry, repository or tag that was set")
                .finally()
        }
        "ErrImageNeverPull" => Obstacle::passing(format!(
            "image `{image}` is not on the node, and may not be pulled: {words}"
        ))
        .hint("bring it to the node, or leave `imagePullPolicy` out")
        .finally(),
        _ => unpulled(image, words),
    }
}

fn unpulled(image: &str, words: &str) -> Obstacle {
    let obstacle = Obstacle::passing(format!(
        "image `{image}` cannot be pulled: {}",
        innermost(words)
    ));
    let all = words.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| all.contains(phrase));
    if !says(SETTLED) || says(UNSETTLED) {
        return obstacle.hint("name a registry that the host's nodes can reach with `--registry`");
    }
    let hint = if says(CREDENTIALS) {
        "name a Secret with credentials for its registry with `--pull-secret`, or another registry with `--registry`"
    } else {
        "correct its tag, or name a registry that has it with `--registry`"
    };
    obstacle.hint(hint).finally()
}

/// What a runtime says without the repetitions of each layer around it.
fn innermost(words: &str) -> &str {
    let said = words
        .rsplit_once("desc = ")
        .map_or(words, |(_, description)| description);
    let said = said
        .strip_prefix("failed to pull and unpack image ")
        .map_or(said, |rest| {
            rest.split_once(": ").map_or(rest, |(_, why)| why)
        });
    said.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_attempt_cannot_change_is_final() {
        // Words of containerd 1.6, 1.7 and 2.1, CRI-O and Docker.
        let cases = [
            (
                "rpc error: code = NotFound desc = failed to pull and unpack image \"ghcr.io/a/b:9\": failed to resolve reference \"ghcr.io/a/b:9\": ghcr.io/a/b:9: not found",
                true,
            ),
            (
                "Back-off pulling image \"a:9\": ErrImagePull: reading manifest 9 in docker.io/library/a: manifest unknown",
                true,
            ),
            (
                "pull access denied for a, repository does not exist or may require 'docker login'",
                true,
            ),
            (
                "failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 403 Forbidden",
                true,
            ),
            ("no match for platform in manifest: not found", true),
            (
                "failed to do request: Head \"https://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused",
                false,
            ),
            (
                "failed to do request: dial tcp: lookup registry.example: no such host",
                false,
            ),
            (
                "toomanyrequests: You have reached your pull rate limit. unauthorized",
                false,
            ),
            ("net/http: TLS handshake timeout", false),
            ("Back-off pulling image \"a:9\"", false),
        ];
        for (words, is_final) in cases {
            let found = obstacle("a:9", "ErrImagePull", words);
            assert_eq!(found.is_final, is_final, "{words}");
        }
    }

    #[test]
    fn only_the_innermost_words_are_told() {
        let words = "rpc error: code = NotFound desc = failed to pull and unpack image \"a:9\": failed to resolve reference \"a:9\": a:9: not found";
        assert_eq!(
            innermost(words),
            "failed to resolve reference \"a:9\": a:9: not found"
        );
        assert_eq!(innermost("manifest unknown"), "manifest unknown");
    }
}
