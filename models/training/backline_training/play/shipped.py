"""Reads a net that ships back into PyTorch, so that what is scored is what plays."""

import json

import torch

# ONNX has a GRU's gates as update, reset, new; PyTorch as reset, update, new.
GATES = (1, 0, 2)


def restore(net, config, folder, file):
    """Writes the weights of `folder`/net.onnx to `file` as training would have, with its `config`.

    Raises ValueError where the net so restored does not give the logits of golden.json: where its sizes are not those of
    `config`, or the file was written in another way than `onnx_file` does.
    """
    state = weights(folder / "net.onnx")
    net.load_state_dict(state)
    golden, card = (json.loads((folder / name).read_text()) for name in ("golden.json", "net.json"))
    x, y = (torch.tensor(golden[k]).view(-1, card["chunk"], len(golden[k][0])) for k in ("x", "y"))
    states = [torch.zeros(shape) for shape in card["states"]]
    worst = 0.0
    with torch.no_grad():
        for part, told in zip(x, y):
            out, *states = net.eval()(part[None], *states)
            worst = max(worst, float((out[0] - told).abs().max()))
    if worst > 1e-4:
        raise ValueError(f"{folder / 'net.onnx'} read back differs by {worst:.2g} from the logits in golden.json")
    torch.save({"config": config, "state": state, "shipped": True}, file)


def weights(file):
    """The weights of linear layers and GRUs in an ONNX file, by PyTorch's names and in its order."""
    # Training does without onnx where PyTorch is older than 2.
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(file)).graph
    value = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    state = {}
    for node in graph.node:
        bias = [name for name in node.input if name.endswith(".bias")]
        if node.op_type == "GRU":
            layer = node.name.split("/")[-2]
            matrices = [value[name][0] for name in node.input[1:3]] + list(value[node.input[3]][0].chunk(2))
            for name, matrix in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), matrices):
                gates = matrix.chunk(3)
                state[f"{layer}.{name}_l0"] = torch.cat([gates[k] for k in GATES])
        elif bias:
            (product,) = (maker[name] for name in node.input if name not in bias)
            state[bias[0]] = value[bias[0]]
            state[bias[0][: -len("bias")] + "weight"] = value[product.input[1]].T.contiguous()
    return state
