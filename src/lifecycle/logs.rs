//! What the parts of a cluster say: once, or followed from pod to pod.

mod filter;
mod mark;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use self::filter::Filter;
use self::mark::{Mark, next_read};
use crate::cluster::VirtualCluster;
use crate::driver::component::Component;
use crate::error::{Error, Kind};
use crate::host::log::{Log, LogPart};
use crate::host::read::Pod;
use crate::host::{Collection, Host, HostError, Watch};
use crate::progress::Progress;

/// Before a log that ended at once is opened again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How often it is doubled.
const DOUBLINGS: u32 = 4;

/// What is to be read.
#[derive(Clone, Debug)]
pub struct LogRequest {
    /// Whose log.
    pub component: Component,
    /// Go on with what it says from now on, in whichever pod.
    pub follow: bool,
    /// What it said before its last start.
    pub previous: bool,
    /// Only what it said in this last while.
    pub since: Option<Duration>,
    /// Only this many of its last lines.
    pub tail: Option<usize>,
}

/// Sends what was said, line by line, until there is no more or nobody takes it.
pub async fn logs(
    host: &Host,
    cluster: &VirtualCluster,
    request: &LogRequest,
    lines: Sender<Vec<u8>>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let selector = request.component.pods(&cluster.reference.name);
    let pods = Collection::of("Pod", Some(cluster.reference.namespace.as_str()));
    let mut reading = Reading {
        host,
        cluster,
        request,
        lines,
        has_prefix: false,
    };
    let ended = if request.follow {
        let watch = Watch::for_departures(host, pods, &selector, "").await?;
        reading.has_prefix = watch.objects().count() > 1;
        reading.follow(watch, progress).await
    } else {
        let pods = host.list::<Pod>(&pods, &selector).await?;
        reading.has_prefix = pods.len() > 1;
        reading.once(&pods).await
    };
    match ended {
        Err(Stop::Failed(error)) => Err(error),
        Ok(()) | Err(Stop::Unread) => Ok(()),
    }
}

/// Why reading stops before the end.
enum Stop {
    Failed(Error),
    /// Nobody takes the lines any more.
    Unread,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Self::Failed(error.into())
    }
}

struct Reading<'a> {
    host: &'a Host,
    cluster: &'a VirtualCluster,
    request: &'a LogRequest,
    lines: Sender<Vec<u8>>,
    /// Whether lines say which pod they are of.
    has_prefix: bool,
}

impl Reading<'_> {
    async fn once(&self, pods: &[Pod]) -> Result<(), Stop> {
        if pods.is_empty() {
            return Err(self.no_pods().into());
        }
        for pod in pods {
            let (mut filter, mut mark) = (Filter::new(self.request), Mark::default());
            let metadata = &pod.metadata;
            let mut log = self
                .host
                .open_log(&metadata.namespace, &metadata.name, &self.part())
                .await
                .map_err(|error| self.no_log(pod, error))?;
            let copied = self.copy(&mut log, pod, &mut filter, &mut mark).await?;
            copied.map_err(|error| {
                let name = &pod.metadata.name;
                Error::new(Kind::Host, format!("the log of `{name}` broke off")).because(&error)
            })?;
            self.send_all(pod, filter.last_lines()).await?;
        }
        Ok(())
    }

    /// Follows each pod to its end and goes on with the next one.
    async fn follow(&self, mut watch: Watch<Pod>, progress: &dyn Progress) -> Result<(), Stop> {
        if watch.objects().next().is_none() {
            return Err(self.no_pods().into());
        }
        let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
        let mut open = FuturesUnordered::new();
        loop {
            for pod in watch.objects() {
                let known = marks.get(&pod.metadata.uid).copied();
                if let Some(mark) = next_read(pod, self.request.component, known) {
                    marks.insert(pod.metadata.uid.clone(), mark);
                    open.push(self.read_to_end(pod.clone(), mark, known.is_none()));
                }
            }
            tokio::select! {
                changed = watch.changed() => changed?,
                Some(ended) = open.next() => {
                    let (uid, mark) = ended?;
                    marks.insert(uid, mark);
                }
                () = self.lines.closed() => return Err(Stop::Unread),
            }
            let before = marks.len();
            marks.retain(|uid, mark| {
                mark.is_open || watch.objects().any(|pod| pod.metadata.uid == *uid)
            });
            if marks.is_empty() && before > 0 {
                progress.note("the pod has ended; its next one is waited for");
            }
        }
    }

    /// Reads one start of a pod's container to its end, and gives how far that was.
    async fn read_to_end(
        &self,
        pod: Pod,
        mut mark: Mark,
        is_first: bool,
    ) -> Result<(String, Mark), Stop> {
        if mark.failures > 0 {
            sleep(FIRST_PAUSE * 2_u32.pow(mark.failures.min(DOUBLINGS))).await;
        }
        let before = mark.time;
        let mut filter = Filter::new(self.request);
        let mut part = if is_first {
            self.part()
        } else {
            self.part_since(mark.time)
        };
        if is_first && filter.keep.is_some() {
            // Which lines are the last ones is known at the end of what there is.
            if let Some(mut log) = self.open(&pod, &part).await? {
                // Where it breaks off, the rest comes below.
                let _ = self.copy(&mut log, &pod, &mut filter, &mut mark).await?;
            }
            self.send_all(&pod, filter.last_lines()).await?;
            part = self.part_since(mark.time);
        }
        filter.keep = None;
        part.follow = true;
        if let Some(mut log) = self.open(&pod, &part).await? {
            // Whether it broke off or ended, it is opened again if the container runs on.
            let _ = self.copy(&mut log, &pod, &mut filter, &mut mark).await?;
        }
        mark.failures = if mark.time > before {
            0
        } else {
            mark.failures + 1
        };
        mark.is_open = false;
        Ok((pod.metadata.uid, mark))
    }

    /// The log of a pod that is followed; `None` where there is none now.
    async fn open(&self, pod: &Pod, part: &LogPart) -> Result<Option<Log>, Stop> {
        let metadata = &pod.metadata;
        match self
            .host
            .open_log(&metadata.namespace, &metadata.name, part)
            .await
        {
            Ok(log) => Ok(Some(log)),
            Err(error) if error.is_forbidden() => Err(error.into()),
            // The pod is gone, or its container or node does not answer: the watch will tell.
            Err(error) => {
                tracing::debug!(pod = metadata.name, %error, "no log now");
                Ok(None)
            }
        }
    }

    /// Sends the lines of a log that come after what was read; inside, whether it broke off.
    async fn copy(
        &self,
        log: &mut Log,
        pod: &Pod,
        filter: &mut Filter,
        mark: &mut Mark,
    ) -> Result<io::Result<()>, Stop> {
        let read_before = mark.time;
        loop {
            let line = match log.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            };
            if line.time.is_some() && line.time <= read_before {
                continue;
            }
            mark.time = line.time.or(mark.time);
            if let Some(text) = filter.take(line) {
                self.send_all(pod, [text]).await?;
            }
        }
    }

    async fn send_all(
        &self,
        pod: &Pod,
        lines: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<(), Stop> {
        for mut line in lines {
            if self.has_prefix {
                let prefix = format!("[{}] ", pod.metadata.name);
                line.splice(0..0, prefix.into_bytes());
            }
            self.lines.send(line).await.map_err(|_| Stop::Unread)?;
        }
        Ok(())
    }

    /// The part that was asked for. Of a program whose lines are picked out, the last ones are known only when all
    /// were looked at.
    fn part(&self) -> LogPart {
        let request = self.request;
        LogPart {
            container: request.component.container().to_owned(),
            previous: request.previous,
            since_seconds: request.since.map(|since| since.as_secs().max(1)),
            tail: request
                .tail
                .filter(|_| request.component.own_lines().is_none()),
            ..LogPart::default()
        }
    }

    fn part_since(&self, time: Option<Timestamp>) -> LogPart {
        LogPart {
            container: self.request.component.container().to_owned(),
            since: time,
            ..LogPart::default()
        }
    }

    fn no_pods(&self) -> Error {
        let reference = &self.cluster.reference;
        let (name, namespace) = (&reference.name, &reference.namespace);
        if self.cluster.state.is_sleeping() {
            return Error::new(
                Kind::Failed,
                format!("{reference} is asleep, and no pod of it has a log"),
            )
            .hint(format!("run `vc wake {name} -n {namespace}`"));
        }
        let component = self.request.component.word();
        Error::new(
            Kind::Failed,
            format!("{reference} has no pod of `{component}`"),
        )
        .hint(format!(
            "run `vc status {name} -n {namespace}` to see its pods"
        ))
    }

    fn no_log(&self, pod: &Pod, error: HostError) -> Error {
        let reference = &self.cluster.reference;
        let (name, namespace) = (&reference.name, &reference.namespace);
        let HostError::Refused {
            code: 400, message, ..
        } = error
        else {
            return error.into();
        };
        let container = self.request.component.container();
        let failure = if self.request.previous {
            Error::new(
                Kind::Failed,
                format!(
                    "the container `{container}` of `{}` was not started more than once",
                    pod.metadata.name
                ),
            )
            .hint("leave out `--previous` for what it says now")
        } else {
            Error::new(
                Kind::Failed,
                format!(
                    "the container `{container}` of `{}` has no log yet",
                    pod.metadata.name
                ),
            )
            .hint(format!(
                "run `vc status {name} -n {namespace}` to see why, or add `--follow` to wait for it"
            ))
        };
        Error {
            causes: vec![message],
            ..failure
        }
    }
}
