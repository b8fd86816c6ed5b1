"""Writes a net as ONNX with explicit state, beside what the runtime needs to know and to check.

The convention (read by `crates/nets`): inputs `x` [1, chunk, features] and `state_0`, `state_1`, …; outputs `y`
[1, chunk, outputs] and `state_0_out`, `state_1_out`, … of the same shapes. All float32; `y` are logits. States
start at zero.
"""

import hashlib
import json
import pathlib

import numpy as np
import torch

OPSET = 13


def write(net, states, chunk, features, outputs, about, folder, positive=False):
    """Writes `net.onnx`, `net.json` and `golden.json` into `folder`.

    net: a module called as net(x, *states) -> (y, *states). states: the shapes of its states, lists of int.
    outputs: list of (name, width) in the order of y's columns. about: dict of what else net.json says: `name`,
    `frame_rate_hz`, `lookahead_frames`, `licence`, `temperature` (by name of output, divides the logits) …
    positive: whether the net is only meant for inputs of 0 and more.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    net = net.eval()
    zeros = [torch.zeros(shape) for shape in states]
    names = [f"state_{i}" for i in range(len(states))]
    torch.onnx.export(
        net,
        (torch.zeros(1, chunk, features), *zeros),
        str(folder / "net.onnx"),
        input_names=["x", *names],
        output_names=["y", *[f"{n}_out" for n in names]],
        opset_version=OPSET,
        **({"dynamo": False} if int(torch.__version__.split(".")[0]) > 2 or "2.5" <= torch.__version__[:3] else {}),
    )
    # Three chunks, so that the carried state is part of what is compared; one where nothing is carried. Few digits, to
    # keep the file small.
    rng = np.random.default_rng(20261121)
    x = rng.standard_normal((3 if states else 1, chunk, features)).round(1).astype(np.float32)
    x = np.abs(x) if positive else x
    state, ys = zeros, []
    with torch.no_grad():
        for part in x:
            y, *state = net(torch.from_numpy(part)[None], *state)
            ys.append(y[0].numpy())
    golden = {"x": rounded(x.reshape(-1, features)), "y": rounded(np.concatenate(ys))}
    (folder / "golden.json").write_text(json.dumps(golden, allow_nan=False))
    sha256 = hashlib.sha256((folder / "net.onnx").read_bytes()).hexdigest()
    card = {
        **about,
        "sha256": sha256,
        "chunk": chunk,
        "features": features,
        "states": [list(shape) for shape in states],
        "outputs": [{"name": name, "width": width} for name, width in outputs],
    }
    (folder / "net.json").write_text(json.dumps(card, indent=1) + "\n")


def weights(folder, net, linear, recurrent, inside=""):
    """What a net that was written to `folder` knows, as the state of `net`, a module of the same shape, in its own terms.

    linear, recurrent: names of its linear layers that are applied to rows of beats or frames, and of its GRUs, in the order in
    which they hear. inside: the name, with a dot, under which a module around it had it when it was written. Needs onnx.
    """
    import onnx

    graph = onnx.load(str(pathlib.Path(folder) / "net.onnx")).graph
    held = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    state = {name: held[inside + name] for name in net.state_dict() if inside + name in held}
    nodes = lambda kind: [n.input for n in graph.node if n.op_type == kind]
    for name, inputs in zip(linear, nodes("MatMul"), strict=True):
        state[f"{name}.weight"] = held[inputs[1]].T
    for name, inputs in zip(recurrent, nodes("GRU"), strict=True):
        ways = zip(*(held[i] for i in inputs[1:4]), ("l0", "l0_reverse"))
        for from_input, from_state, biases, way in ways:
            for what, values in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (from_input, from_state, *np.split(biases, 2))):
                # ONNX has the update gate first, PyTorch the reset gate.
                update, reset, new = np.split(values, 3)
                state[f"{name}.{what}_{way}"] = np.concatenate([reset, update, new])
    return {name: torch.tensor(values) for name, values in state.items()}


def rounded(array):
    """Nested lists of numbers that read back as the same float32."""
    return [[float(str(v)) for v in row] for row in np.asarray(array, dtype=np.float32)]
