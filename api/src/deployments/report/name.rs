//! The lines of a batch, sorted by the lanes that they mean.

use std::collections::HashMap;

use shiplog_domain::lane::LaneId;
use shiplog_projections::current::KnownNames;

use super::{LineAnswer, Named, line::Parsed, refused};
use crate::{
    admission::{
        Admission,
        names::{self, Use},
        warning::Warning,
    },
    problem::Problem,
};

/// Sorts lines by lane, in their order; those whose names will not do are answered.
///
/// The names that are recorded are asked for once. A name that a line brings is known to the next one.
pub(super) async fn sort(
    admission: &Admission,
    lines: Vec<(usize, Parsed)>,
) -> (HashMap<LaneId, Vec<Named>>, Vec<LineAnswer>) {
    let (mut by_lane, mut answers) = (HashMap::<LaneId, Vec<Named>>::new(), Vec::new());
    let mut known = recorded(admission, &lines).await;
    for (line, Parsed { lane, used, mut command, metadata, is_dated }) in lines {
        let named = async {
            let (lane, mut warnings) = place(admission, lane, used, &mut known).await?;
            warnings.extend(is_dated.then(Warning::dated));
            admission.name_version(&lane.service, &mut command).await?;
            Ok((lane, warnings))
        };
        match named.await {
            Ok((lane, warnings)) => {
                by_lane.entry(lane).or_default().push(Named { line, command, metadata, warnings });
            }
            Err(problem) => answers.push(refused(line, problem)),
        }
    }
    (by_lane, answers)
}

/// The names that are recorded, as surely as the lines need to know.
async fn recorded(admission: &Admission, lines: &[(usize, Parsed)]) -> KnownNames {
    let asks = || lines.iter().filter(|(_, parsed)| parsed.used == Use::Asked);
    let used = if asks().next().is_some() { Use::Asked } else { Use::Reported };
    admission.known_names(used, |known| asks().all(|(_, one)| known.has(&one.lane))).await
}

/// The lane of a line, whose names are known from now on.
async fn place(
    admission: &Admission,
    lane: LaneId,
    used: Use,
    known: &mut KnownNames,
) -> Result<(LaneId, Vec<Warning>), Problem> {
    if known.has(&lane) {
        return Ok((lane, Vec::new()));
    }
    let (lane, warnings) = admission.name_lane_among(lane, used, known).await?;
    names::learn(known, &lane);
    Ok((lane, warnings))
}
