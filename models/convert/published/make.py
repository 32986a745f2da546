"""What openai/CLIP's own model gives at each published size, with weights out of the tensors' names (seeded-weights.ts says how and
why): python3 models/convert/published/make.py <folder of openai/CLIP> [name ...] writes vectors.json beside this file."""
import importlib.util
import json
import math
import pathlib
import sys

import numpy as np
import torch

here = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location('model', pathlib.Path(sys.argv[1]) / 'clip/model.py')
openai = importlib.util.module_from_spec(spec)
spec.loader.exec_module(openai)


def seed_of(name):
    value = 0x811c9dc5
    for byte in name.encode():
        value = (value ^ byte) * 0x01000193 & 0xffffffff
    return value


def spread(name, shape):
    if name == 'logit_scale':
        return math.log(1 / 0.07), 0
    if name.endswith('running_var'):
        return 1, 0.5
    if name.endswith('running_mean') or name.endswith('bias'):
        return 0, 0.1
    if len(shape) == 1 and name.endswith('.weight'):
        return 1, 0.2
    if 'embedding' in name:
        return 0, 0.1
    inputs = shape[0] if name in ('text_projection', 'visual.proj') else math.prod(shape[1:])
    return 0, math.sqrt(3 / inputs)


def seeded(name, shape):
    mean, scale = spread(name, shape)
    x = np.arange(math.prod(shape), dtype=np.uint32) + np.uint32(seed_of(name))
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x85ebca6b)
    x = (x ^ x >> np.uint32(13)) * np.uint32(0xc2b2ae35)
    x = x ^ x >> np.uint32(16)
    return torch.from_numpy((mean + scale * (x / 2 ** 31 - 1)).astype(np.float32)).reshape(shape)


def main():
    path = here / 'vectors.json'
    vectors = json.loads(path.read_text()) if path.exists() else {}
    for name, sizes in json.loads((here / 'models.json').read_text()).items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        layers = sizes['vision_layers']
        sizes = {**sizes, 'vision_layers': tuple(layers) if isinstance(layers, list) else layers}
        model = openai.CLIP(**sizes, context_length=77, vocab_size=49408).eval()
        with torch.no_grad():
            for key, tensor in model.state_dict().items():
                if not key.endswith('num_batches_tracked'):
                    tensor.copy_(seeded(key, tuple(tensor.shape)))
            side = sizes['image_resolution']
            # As fractions of integers: a sine's last digit differs from library to library.
            pixels = torch.from_numpy((np.arange(3 * side * side) * 7919 % 4001 / 1000 - 2).astype(np.float32))
            ids = torch.zeros(1, 77, dtype=torch.long)
            ids[0, :6] = torch.tensor([49406, 320, 1125, 539, 2368, 49407])
            vectors[name] = {'image_embeds': model.encode_image(pixels.reshape(1, 3, side, side))[0].tolist(),
                             'text_embeds': model.encode_text(ids)[0].tolist()}
        for vector in vectors[name].values():
            vector[:] = [float(f'{x:.7g}') for x in vector]
        print(name, max(map(abs, vectors[name]['image_embeds'])), max(map(abs, vectors[name]['text_embeds'])), flush=True)
        path.write_text(json.dumps(vectors) + '\n')
        del model


main()
