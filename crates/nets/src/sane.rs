//! What is looked at in a net before the library builds it: some mistakes make it take all memory instead of an error.

use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::*;

/// More than any net of ours has in one tensor, or dimensions, or comes near.
const MOST_VALUES: i64 = 1 << 24;
const MOST_DIMENSIONS: usize = 8;
/// No dimension, length or axis of a net is further from 0; `i64::MAX` and `MIN` say "to the end".
const MOST_LENGTH: i64 = 1 << 24;

/// Whether `model` is one that can be built without more memory than a net may ask for.
///
/// # Errors
/// A permutation that is none, a tensor that is too large or lies in another file, a length that is absurd.
pub(crate) fn check(model: &ModelProto) -> TractResult<()> {
    model.graph.as_ref().map_or(Ok(()), graph)
}

fn graph(graph: &GraphProto) -> TractResult<()> {
    graph.initializer.iter().try_for_each(tensor)?;
    for node in &graph.node {
        for attribute in &node.attribute {
            let wrong =
                |what: &str| TractError::msg(format!("{} {what} at {}", node.op_type, attribute.name));
            if attribute.name == "perm" && !permutes(&attribute.ints) {
                return Err(wrong("has no permutation"));
            }
            let lengths = attribute.ints.iter().chain(std::iter::once(&attribute.i));
            if lengths.copied().any(absurd) {
                return Err(wrong("has an absurd length"));
            }
            attribute.t.iter().chain(&attribute.tensors).try_for_each(tensor)?;
            attribute.g.iter().chain(&attribute.graphs).try_for_each(self::graph)?;
        }
    }
    Ok(())
}

/// Whether `axes` are 0.. in some order.
fn permutes(axes: &[i64]) -> bool {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    axes.len() <= MOST_DIMENSIONS && sorted.iter().zip(0..).all(|(&axis, i)| axis == i)
}

fn absurd(length: i64) -> bool {
    !(-MOST_LENGTH..=MOST_LENGTH).contains(&length) && length < i64::MAX - 1 && length > i64::MIN + 1
}

fn tensor(tensor: &TensorProto) -> TractResult<()> {
    let wrong = |what: &str| Err(TractError::msg(format!("the tensor {} {what}", tensor.name)));
    let values = tensor.dims.iter().try_fold(1_i64, |n, &d| n.checked_mul(d));
    if tensor.dims.len() > MOST_DIMENSIONS || tensor.dims.iter().any(|&d| d < 0) {
        return wrong("has no shape");
    }
    if values.is_none_or(|n| n > MOST_VALUES) {
        return wrong("is too large");
    }
    if !tensor.external_data.is_empty() {
        return wrong("points to another file");
    }
    let said = tensor.int64_data.iter().copied();
    let words =
        tensor.raw_data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("eight bytes")));
    let whole = tensor.data_type == tract_onnx::pb::tensor_proto::DataType::Int64 as i32;
    if whole && said.chain(words).any(absurd) {
        return wrong("has an absurd length");
    }
    Ok(())
}
