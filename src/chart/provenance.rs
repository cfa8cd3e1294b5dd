//! What vouches for an archive: the digests in a provenance file, which `helm package --sign` writes beside it.
//!
//! The digest is compared. Who signed it is not checked: that takes the keys of the signer, and `helm verify` does it.

/// How large such a file may be that lies beside an archive, in bytes.
pub(super) const LIMIT: u64 = 1 << 20;

/// The digests that the file has for archives; none if it is no provenance file.
pub(super) fn digests(text: &str) -> Vec<&str> {
    let Some((_, signed)) = text.split_once("-----BEGIN PGP SIGNED MESSAGE-----") else {
        return Vec::new();
    };
    let signed = signed
        .split("-----BEGIN PGP SIGNATURE-----")
        .next()
        .unwrap_or_default();
    let mut files = signed
        .lines()
        .skip_while(|line| line.trim_end() != "files:");
    files.next();
    files
        .take_while(|line| line.starts_with([' ', '\t']))
        .filter_map(|line| line.rsplit_once(": "))
        .map(|(_, digest)| digest.trim().trim_matches(['"', '\'']))
        .filter(|digest| super::oci::manifest::is_digest(digest))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_and_nothing_else() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let text = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\nname: x\n\n...\nfiles:\n  \
             x-1.0.0.tgz: {digest}\n  y: nonsense\n-----BEGIN PGP SIGNATURE-----\n\nfiles:\n  z: {digest}\n"
        );
        assert_eq!(digests(&text), [digest.as_str()]);
        assert_eq!(digests("<html>not found</html>").len(), 0);
        assert_eq!(digests(&format!("files:\n  x: {digest}\n")).len(), 0);
    }
}
