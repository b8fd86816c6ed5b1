//! A net at work on one stream of frames.

use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::registers::clear_upper_halves;
use crate::{Model, NetError};

/// One stream through a net: the state between chunks.
pub struct Stream {
    name: String,
    plan: Arc<TypedRunnableModel>,
    chunk: usize,
    features: usize,
    width: usize,
    shapes: Vec<Vec<usize>>,
    state: Vec<TValue>,
    out: Vec<f32>,
}

impl Stream {
    /// A stream at its beginning.
    pub fn new(model: &Model) -> Self {
        let card = model.card();
        let mut stream = Self {
            name: card.name.clone(),
            plan: Arc::clone(&model.plan),
            chunk: card.chunk,
            features: card.features,
            width: card.width().unwrap_or(0),
            shapes: card.states.clone(),
            state: Vec::new(),
            out: Vec::new(),
        };
        stream.reset();
        stream
    }

    /// Back to the beginning.
    pub fn reset(&mut self) {
        self.state =
            self.shapes.iter().map(|s| Tensor::zero::<f32>(s).unwrap_or_default().into_tvalue()).collect();
    }

    /// Frames that [`Stream::step`] takes.
    pub fn chunk(&self) -> usize {
        self.chunk
    }

    /// Columns of what [`Stream::step`] gives.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Hears one chunk, `chunk * features` values frame by frame, and gives its logits, `chunk * width`
    /// values frame by frame.
    ///
    /// # Errors
    /// `x` has another length, or the net does not give what its card says. The state is then as before.
    pub fn step(&mut self, x: &[f32]) -> Result<&[f32], NetError> {
        let unusable = |why: String| NetError::Unusable { net: self.name.clone(), why };
        let x =
            Tensor::from_shape(&[1, self.chunk, self.features], x).map_err(|e| unusable(format!("{e:#}")))?;
        let inputs: TVec<TValue> =
            std::iter::once(x.into_tvalue()).chain(self.state.iter().cloned()).collect();
        let outputs = self.plan.run(inputs);
        clear_upper_halves();
        let mut outputs = outputs.map_err(|e| unusable(format!("{e:#}")))?;
        let fits = outputs.len() == 1 + self.shapes.len()
            && outputs[0].shape() == [1, self.chunk, self.width]
            && outputs[1..].iter().zip(&self.shapes).all(|(o, s)| o.shape() == s.as_slice());
        if !fits {
            return Err(unusable("it gives other shapes than its description says".to_owned()));
        }
        self.state.clear();
        self.state.extend(outputs.drain(1..));
        let y = outputs[0].to_plain_array_view::<f32>().map_err(|e| unusable(format!("{e:#}")))?;
        self.out.clear();
        self.out.extend(y.iter().copied());
        Ok(&self.out)
    }
}
