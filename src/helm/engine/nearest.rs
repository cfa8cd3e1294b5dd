//! The known name that an unknown one was probably meant to be.

/// The end of a message: `; did you mean ...?`, or nothing.
pub(super) fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// The closest of the known names, when one is close enough to be meant.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|other| (strsim::osa_distance(name, other), other))
        .filter(|(distance, other)| *distance <= 2.min(other.len() / 3))
        .min()
        .map(|(_, other)| other)
}
