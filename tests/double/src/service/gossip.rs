//! Which nodes there are, and what they are at the moment.

use tonic::{Request, Streaming};

use super::{
    call::{Answers, once, question},
    routes::Visit,
};
use crate::{
    memory::ticks_now,
    wire::{
        gossip::{ClusterInfo, EndPoint, Member},
        shared::WireUuid,
    },
};

/// Tells of all nodes.
pub(crate) async fn read(visit: Visit, call: Request<Streaming<()>>) -> Answers<ClusterInfo> {
    question(call).await?;
    let members = visit.cluster().members().into_iter().map(|member| Member {
        instance: Some(WireUuid::structured(member.instance)),
        seen: ticks_now(),
        state: member.state as i32,
        alive: member.alive,
        address: Some(EndPoint { host: member.host, port: member.port.into() }),
    });
    once(ClusterInfo { members: members.collect() })
}
