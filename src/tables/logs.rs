//! The logs behind the `requests` table, and what reading them found.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::requests::{Progress, Tally, Window};
use crate::source::LogFile;

/// The logs behind the table, and what reading them found.
#[derive(Debug)]
pub struct Logs {
    /// The files, in the order in which to read them.
    pub files: Vec<Arc<LogFile>>,
    /// The span of time asked for.
    pub window: Window,
    /// Whether to read to the end even if the queries need no more.
    pub reads_all: bool,
    /// How far the running scan has come.
    pub progress: Arc<Progress>,
    scans: Mutex<Scans>,
    scan_ended: Condvar,
}

#[derive(Debug, Default)]
struct Scans {
    running_count: usize,
    tally: Option<Tally>,
}

impl Logs {
    /// Logs that have not been read yet.
    pub fn new(files: Vec<Arc<LogFile>>, window: Window, reads_all: bool) -> Arc<Self> {
        Self::with_progress(files, window, reads_all, Arc::default())
    }

    /// Like [`Self::new`], with a progress that other readers of the same logs add to as well.
    pub fn with_progress(
        files: Vec<Arc<LogFile>>,
        window: Window,
        reads_all: bool,
        progress: Arc<Progress>,
    ) -> Arc<Self> {
        Arc::new(Self { files, window, reads_all, progress, scans: Mutex::default(), scan_ended: Condvar::new() })
    }

    /// What reading found: waits until no scan runs; `None` if none was started. Of several scans, the one that read most
    /// lines counts.
    pub fn tally(&self) -> Option<Tally> {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        let scans = self.scan_ended.wait_while(scans, |scans| scans.running_count > 0);
        scans.unwrap_or_else(PoisonError::into_inner).tally.clone()
    }

    pub(super) fn start_scan(&self) {
        self.scans.lock().unwrap_or_else(PoisonError::into_inner).running_count += 1;
    }

    pub(super) fn end_scan(&self, tally: Tally) {
        let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        scans.running_count -= 1;
        if scans.tally.as_ref().is_none_or(|kept| kept.lines() < tally.lines()) {
            scans.tally = Some(tally);
        }
        self.scan_ended.notify_all();
    }
}
