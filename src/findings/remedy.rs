//! What to do at the client, and what a finding leaves open.

use serde::Serialize;

/// What to do at the client, or at what runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Remedy {
    /// What the client catalogue says of this client.
    ClientAdvice {
        /// The client.
        client: String,
        /// The catalogue's advice.
        advice: String,
    },
    /// List from the watch cache, or in pages.
    ListFromCacheOrInPages,
    /// Narrow LISTs by selectors: with `resourceVersion=0` the server ignores the limit.
    NarrowBySelector,
    /// Agents on nodes need the pods of their own node only.
    SelectOwnNode,
    /// Watch instead of listing.
    WatchInsteadOfListing,
    /// List less often, with jitter.
    ListLessOften,
    /// Watch instead of paging in a loop, or page less often.
    WatchOrPageLessOften,
    /// Read a chain of pages before etcd compacts its snapshot away.
    ReadPagesFaster,
    /// Make the LIST small enough to end before the request timeout.
    MakeListSmaller,
    /// Back off exponentially, and heed Retry-After.
    BackOff,
    /// Restart the instances a few at a time.
    StaggerRestarts,
    /// Begin from the watch cache or with watch-lists, and resume from the last resourceVersion.
    ResumeFromCache,
    /// Limit the heaviest of the clients by API Priority and Fairness.
    LimitHeaviestClients,
    /// Ask for longer watches.
    LetWatchesLast,
    /// Ask for bookmarks.
    UseBookmarks,
    /// Look for what cut the connections.
    FindWhatCutConnections,
    /// Keep kubectl's discovery cache from call to call.
    KeepDiscoveryCache,
    /// Make one client in a program, and reuse it.
    ReuseClient,
    /// Leave the client's general timeout unset: it cuts watches too.
    UnsetClientTimeout {
        /// The `timeout` in the URIs, in whole seconds.
        timeout_secs: u64,
    },
    /// Stop a watch before opening another.
    StopWatches,
    /// Share one informer in a program.
    ShareInformer,
    /// Delete in small steps, or let objects expire.
    DeleteInSteps,
    /// Send no second deletecollection beside one that still runs.
    DeleteOneAtATime,
    /// Keep objects by a watch instead of getting them one by one.
    WatchInsteadOfGetting,
    /// Take an object that exists for what it is.
    ExpectExistingObjects,
    /// Mend the object that the server finds invalid.
    FixInvalidObjects,
    /// Renew the credentials.
    RenewCredentials,
    /// Grant the permission, or stop asking.
    GrantOrStopAsking,
    /// Look at what admission holds against it.
    HeedAdmission,
    /// Find the priority level that is full, and who fills it.
    FindFullLevel,
}

/// What the log leaves open about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Unknown {
    /// The size of some of its LISTs, which the estimate therefore leaves out.
    SomeSizes {
        /// LISTs of unknown size.
        unknown: u64,
        /// All of its LISTs.
        all: u64,
    },
    /// API Priority and Fairness can't tell it from other clients behind the same user.
    SharedUser {
        /// The other clients.
        clients: Vec<String>,
    },
    /// What killed the apiserver.
    CauseOfDeath,
    /// Which LISTs were in flight when the apiserver died: the policy omits RequestReceived.
    InFlightAtDeath,
    /// Why the instances listed at the same time.
    CommonCause,
    /// Who cut the watches.
    WhoCutWatches,
    /// How long watches stay open: the log ends before they do.
    OpenWhenLogEnds {
        /// The watches.
        watches: u64,
    },
    /// How long deletecollections take that have no end in the log.
    UnfinishedDeletions {
        /// How many.
        deletions: u64,
    },
    /// Which program it is: the user agent names a library only.
    ProgramBehindLibrary,
}
