// The live events, held once for all tabs: a browser has six connections to a server, and each
// stream takes one. As a shared worker this file serves every tab that connects to it; a browser
// without shared workers imports it, and has a stream for each tab.

const TYPES = [
  "DeploymentRequested", "DeploymentApproved", "DeploymentRejected", "DeploymentStarted",
  "TargetStarted", "TargetSucceeded", "TargetFailed", "DeploymentSucceeded", "DeploymentFailed",
  "DeploymentCancelled", "HealthReported", "DeploymentAnnotated", "DeploymentCorrected",
  "ServiceRemoved", "ReleaseRegistered", "ReleaseBlocked", "ReleaseUnblocked",
  "EnvironmentDeclared", "EnvironmentFrozen", "EnvironmentUnfrozen", "EnvironmentRetired",
  "ProjectionDefined", "ProjectionPaused", "ProjectionResumed", "ProjectionDropped",
  "Unreadable",
];

/// Follows the log after a position for ever, or from now on if there is none, and tells `say` of each
/// event, and of each change of the connection.
export function follow(say, after) {
  let last = after;
  let source = null;
  const heard = (event) => {
    last = event.lastEventId;
    let stream = "";
    try {
      stream = JSON.parse(event.data).stream;
    } catch {
      // It is an event all the same.
    }
    say({ kind: "event", type: event.type, position: event.lastEventId, stream });
  };
  const open = () => {
    source = new EventSource(`/v1/events/live?after=${last ?? "head"}`);
    source.onopen = () => say({ kind: "state", live: true });
    source.onerror = () => {
      say({ kind: "state", live: false });
      // The browser comes back by itself, but not after an answer that is an error.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000);
    };
    for (const type of TYPES) source.addEventListener(type, heard);
  };
  open();
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) {
  const ports = new Set();
  let state = null;
  let following = false;
  // Up to where the tabs that are connected have been told of the log.
  let newest = null;
  const say = (message) => {
    if (message.kind === "state") state = message;
    else newest = message.position;
    for (const port of ports) port.postMessage(message);
  };
  self.onconnect = ({ ports: [port] }) => {
    ports.add(port);
    port.onmessage = ({ data }) => {
      if (data === "bye") {
        ports.delete(port);
      } else if (!following) {
        following = true;
        newest = data.after;
        follow(say, data.after);
      } else if (BigInt(newest ?? 0) > BigInt(data.after ?? 0)) {
        // The others were told of this before the page was connected, and after it was made.
        port.postMessage({ kind: "missed" });
      }
    };
    if (state) port.postMessage(state);
  };
}
