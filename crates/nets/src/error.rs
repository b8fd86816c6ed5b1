//! What can be wrong with a net, in words for a musician.

/// Why a net cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// A file is not there or cannot be read.
    #[error("{file} cannot be read ({why}). Put the models that came with Backline back.")]
    Unreadable {
        /// The file's path.
        file: String,
        /// What the system says.
        why: String,
    },
    /// The card is not what a card is.
    #[error(
        "the description of the net {net} is damaged ({why}). Put the models that came with Backline back."
    )]
    Card {
        /// The net's folder or name.
        net: String,
        /// What is wrong.
        why: String,
    },
    /// The net is not the one that the card speaks of.
    #[error(
        "the net {net} is not the one that its description speaks of (it was damaged or exchanged). Put the \
         models that came with Backline back."
    )]
    Checksum {
        /// The net's name.
        net: String,
    },
    /// The net cannot be run.
    #[error("the net {net} cannot be run ({why}). Put the models that came with Backline back.")]
    Unusable {
        /// The net's name.
        net: String,
        /// What is wrong.
        why: String,
    },
}
