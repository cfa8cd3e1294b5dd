//! What the context of a cluster is like: the flags that `connect` and `create` share.

use super::Session;
use crate::cluster::ContextName;
use crate::lifecycle::{Manner, Route};

/// What the context of a cluster is like.
#[derive(Debug, clap::Args)]
pub(super) struct ContextArgs {
    /// Write the credentials into the kubeconfig, for programs that cannot run `vc`
    ///
    /// Without it the context runs `vc` for them, which wakes the cluster and opens its tunnel again. With it a
    /// sleeping cluster is not woken, and after a reboot another `vc` command has to open the tunnel.
    #[arg(long)]
    embed: bool,
    /// Address at which its API is reached without a tunnel, such as `https://dev.example.com`
    ///
    /// Nothing is changed unless the server there has a certificate of the cluster's own authority and is the cluster's.
    #[arg(long, value_name = "URL", value_parser = server)]
    server: Option<String>,
    /// Do not wake the cluster when its context is used
    #[arg(long, conflicts_with = "embed")]
    no_wake: bool,
    /// Name of the context, in which `{name}`, `{namespace}` and `{host}` stand for the cluster's own
    #[arg(long, value_name = "TEMPLATE", value_parser = context_name)]
    context_name: Option<ContextName>,
}

impl ContextArgs {
    /// Which way the context leads, if not `otherwise`.
    pub(super) fn route(&self, otherwise: Route) -> Route {
        self.server.clone().map_or(otherwise, Route::Server)
    }

    /// What flags and settings say together.
    pub(super) fn manner(&self, session: &Session, switch: bool) -> Manner {
        let settings = &session.settings;
        let name = self.context_name.as_ref();
        Manner {
            name: name.unwrap_or(&settings.context_name).clone(),
            embed: self.embed,
            may_wake: settings.wake_on_use && !self.no_wake,
            switch,
        }
    }
}

/// An address as a kubeconfig has it; one that names no protocol means HTTPS.
fn server(text: &str) -> Result<String, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let uri: http::Uri = url.parse().map_err(|_| "it is not an address".to_owned())?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") => {
            return Err(
                "credentials would cross the network unencrypted; it has to begin with `https://`"
                    .to_owned(),
            );
        }
        _ => return Err("it has to begin with `https://`".to_owned()),
    }
    if uri.host().is_none_or(str::is_empty) || authority.contains('@') || uri.query().is_some() {
        return Err("it has to be `https://HOST`, perhaps with a port and a path".to_owned());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn context_name(text: &str) -> Result<ContextName, String> {
    ContextName::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_https_address_and_no_more() {
        for (text, url) in [
            ("dev.example.com", "https://dev.example.com"),
            ("10.0.0.1:8443", "https://10.0.0.1:8443"),
            ("https://[::1]:8443/", "https://[::1]:8443"),
            ("https://example.com/k8s/dev", "https://example.com/k8s/dev"),
        ] {
            assert_eq!(server(text).as_deref(), Ok(url));
        }
        for wrong in [
            "",
            "http://dev.example.com",
            "ftp://dev.example.com",
            "https://",
            "https://me:secret@dev.example.com",
            "https://dev.example.com?token=secret",
            "a b",
        ] {
            let refusal = server(wrong).expect_err(wrong);
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }
}
