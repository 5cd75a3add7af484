//! What is done to the processes and their connections.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use kernel::{Ambient, JobId};
use tempfile::NamedTempFile;

use crate::{
    cast::{BROKER, PART, PREFIX, URL},
    scene::Scene,
};

/// A process that is killed and started again.
pub(crate) struct Process {
    part: &'static str,
    child: Child,
    /// What it and its predecessors said.
    said: NamedTempFile,
}

impl Process {
    pub(crate) fn orderer(scene: &Scene) -> Self {
        Self::start("order", scene)
    }

    pub(crate) fn worker(scene: &Scene) -> Self {
        Self::start("work", scene)
    }

    fn start(part: &'static str, scene: &Scene) -> Self {
        let said = NamedTempFile::new().unwrap();
        Self {
            part,
            child: spawn(part, scene, &said),
            said,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again if it has ended.
    pub(crate) fn revive(&mut self, scene: &Scene) {
        if self.child.try_wait().unwrap().is_some() {
            self.child = spawn(self.part, scene, &self.said);
        }
    }

    /// The orders that it said were committed.
    pub(crate) fn acknowledged(&self) -> Vec<JobId> {
        let lines = BufReader::new(File::open(self.said.path()).unwrap()).lines();
        let lines = lines.map_while(Result::ok);
        // The last words of one that was killed may be half a word.
        lines
            .filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
            .collect()
    }
}

fn spawn(part: &str, scene: &Scene, said: &NamedTempFile) -> Child {
    let said = File::options().append(true).open(said.path()).unwrap();
    let pipe = scene.pipe.as_ref();
    let (broker, prefix) = pipe.map_or(("", ""), |it| (it.url.as_str(), it.prefix.as_str()));
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cast", "--ignored", "--nocapture"])
        .env(PART, part)
        .env(URL, scene.app_url())
        .env(BROKER, broker)
        .env(PREFIX, prefix)
        .stdin(Stdio::null())
        .stdout(said)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rabbitmq(arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local/rabbitmq");
    let status = Command::new(script).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}

/// One blow after the other, by chance.
pub(crate) struct Attack(Ambient);

impl Attack {
    pub(crate) fn new() -> Self {
        Self(Ambient::system())
    }

    fn below(&self, end: u32) -> u32 {
        u32::from_be_bytes(self.0.bytes()) % end
    }

    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(u64::from(100 + self.below(500)))
    }

    /// Strikes; how many died.
    pub(crate) async fn strike(
        &mut self,
        scene: &Scene,
        orderers: &mut [Process],
        workers: &mut [Process],
    ) -> usize {
        let mut died = 0;
        for process in orderers.iter_mut().chain(workers) {
            if self.below(3) == 0 {
                process.kill();
                died += 1;
            }
            process.revive(scene);
        }
        if self.below(3) == 0 {
            died += scene.end_connections().await;
        }
        if let Some(node) = scene.pipe.as_ref().and_then(|it| it.node.as_deref()) {
            self.strike_broker(node);
        }
        died
    }

    fn strike_broker(&self, node: &str) {
        match self.below(12) {
            0 => {
                rabbitmq(&["ctl", node, "stop_app"]);
                rabbitmq(&["ctl", node, "start_app"]);
            }
            1 | 2 => rabbitmq(&["ctl", node, "close_all_connections", "chaos"]),
            _ => {}
        }
    }
}
