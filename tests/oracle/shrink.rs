//! Making a failing chart small: whatever can be left out is.

use crate::case::Case;
use crate::generate::Made;
use crate::template::Piece;

/// The smallest chart found that still fails.
pub(crate) fn shrink(mut made: Made, mut fails: impl FnMut(&Case) -> bool) -> Made {
    loop {
        let smaller = candidates(&made).into_iter().find(|one| fails(&one.case()));
        match smaller {
            Some(smaller) => made = smaller,
            None => return made,
        }
    }
}

fn candidates(made: &Made) -> Vec<Made> {
    let mut all = Vec::new();
    for pieces in without_one(&made.pieces) {
        all.push(Made {
            pieces,
            ..made.clone()
        });
    }
    for index in 0..made.values.len() {
        let mut smaller = made.clone();
        smaller.values.remove(index);
        all.push(smaller);
    }
    for index in 0..made.set.len() {
        let mut smaller = made.clone();
        smaller.set.remove(index);
        all.push(smaller);
    }
    all
}

/// Every list of pieces in which one, at any depth, is gone or is replaced by what is in it.
fn without_one(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut all = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let with =
            |replacement: &[Piece]| [&pieces[..index], replacement, &pieces[index + 1..]].concat();
        all.push(with(&[]));
        if !piece.inside.is_empty() {
            all.push(with(&piece.inside));
        }
        for inside in without_one(&piece.inside) {
            all.push(with(&[Piece {
                inside,
                ..piece.clone()
            }]));
        }
    }
    all
}
