//! A way to the host on which it is counted what is sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::Value;

use crate::world::World;

/// A port that leads to the host of the user's kubeconfig, which leads there by it from now on.
pub(super) struct Relay {
    url: String,
    sent: Arc<AtomicU64>,
}

impl Relay {
    /// Stands before the host of the current context.
    pub(super) fn before(world: &World) -> Result<Self, String> {
        let mut kubeconfig: Value = yaml_serde::from_str(&world.read("kubeconfig")?)
            .map_err(|error| format!("the kubeconfig cannot be read: {error}"))?;
        let current = kubeconfig["current-context"].clone();
        let context = named(&mut kubeconfig["contexts"], &current).ok_or("no current context")?;
        let cluster = context["context"]["cluster"].clone();
        let cluster = named(&mut kubeconfig["clusters"], &cluster).ok_or("no cluster")?;
        let cluster = &mut cluster["cluster"];
        let server: http::Uri = cluster["server"]
            .as_str()
            .and_then(|server| server.parse().ok())
            .ok_or("the host has no address")?;
        let name = server.host().unwrap_or_default().to_owned();
        let address = format!("{name}:{}", server.port_u16().unwrap_or(443));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?;
        let url = format!("https://{port}");
        cluster["server"] = url.clone().into();
        cluster["tls-server-name"] = name.trim_matches(['[', ']']).into();
        world.write("kubeconfig", &kubeconfig.to_string())?;
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(host) = TcpStream::connect(&address) else {
                    continue;
                };
                join(&client, &host, &counted);
            }
        });
        Ok(Self { url, sent })
    }

    /// The address of the host by it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes were sent to the host so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

fn named<'a>(list: &'a mut Value, name: &Value) -> Option<&'a mut Value> {
    list.as_array_mut()?
        .iter_mut()
        .find(|entry| entry["name"] == *name)
}

fn join(client: &TcpStream, host: &TcpStream, sent: &Arc<AtomicU64>) {
    let unseen = Arc::new(AtomicU64::new(0));
    for (from, to, count) in [(client, host, sent), (host, client, &unseen)] {
        from.set_nodelay(true).ok();
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        let count = count.clone();
        thread::spawn(move || copy(from, to, &count));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        count.fetch_add(length as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
    from.shutdown(Shutdown::Both).ok();
}
