"""PyTorch's side of the rows of training: python3 bench/training/pytorch.py <folder> <fp32|bfloat16> <contiguous|channels_last>
<whole|cut>, the folder written by problem.ts. Answers each line on its standard input (answers.ts); where it cannot begin, says why."""
import json
import math
import pathlib
import sys
import time


def say(**message):
    print(json.dumps(message), flush=True)


try:
    import torch
    from torch.nn import functional as F
except ImportError as error:
    say(missing=f'its Python has no PyTorch ({error})')
    sys.exit()

sys.path.append(str(pathlib.Path(__file__).parent / '../../models/networks/fixtures'))
from reference_clip import Clip, tensors  # noqa: E402

DTYPES = {'F32': torch.float32, 'I64': torch.int64}


def blas():
    """The library that computes matrix products in fp32; Debian's reference BLAS, 45 times slower than a good one, is None."""
    if torch.backends.mkl.is_available():
        return 'MKL'
    with open('/proc/self/maps') as maps:
        loaded = maps.read().lower()
    return next((name for name in ('OpenBLAS', 'BLIS', 'ATLAS') if f'lib{name.lower()}' in loaded), None)


def read_safetensors(path):
    data = bytearray(path.read_bytes())
    end = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:end])
    header.pop('__metadata__', None)
    return {name: torch.frombuffer(data, dtype=DTYPES[entry['dtype']], count=math.prod(entry['shape']),
                                   offset=end + entry['data_offsets'][0]).reshape(entry['shape']).clone()
            for name, entry in header.items()}


folder, precision, layout, captions = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
problem = json.loads((folder / 'problem.json').read_text())
library = blas()
if library is None:
    say(missing='its PyTorch computes with the reference BLAS (apt-get install libopenblas0-pthread)')
    sys.exit()

torch.set_num_threads(problem['threads'])
start = read_safetensors(folder / 'start.safetensors')
model = Clip(problem['config'])
with torch.no_grad():
    for name, tensor in tensors(model).items():
        tensor.copy_(start[name])
pixels, ids = start['pixel_values'], start['input_ids']
if captions == 'cut':
    # To the longest: padding is what ends a text.
    ends = ids == problem['config']['text_config']['eos_token_id']
    ids = ids[:, :int(ends.int().argmax(1).max()) + 1]
if layout == 'channels_last':
    model, pixels = (x.to(memory_format=torch.channels_last) for x in (model, pixels))
groups = [{'params': [p for p in model.parameters() if (p.ndim > 1) == decays],
           'weight_decay': problem['weightDecay'] if decays else 0.0} for decays in (True, False)]
optimizer = torch.optim.AdamW(groups, lr=problem['learningRate'], betas=(problem['beta1'], problem['beta2']),
                              eps=problem['epsilon'], foreach=True)
own = torch.arange(len(ids))


def step():
    with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
        _, _, logits = model(pixels, ids)
    logits = logits.float()
    loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), problem['gradClipNorm'])
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(max=math.log(100))
    return loss.item()


say(engine=f'PyTorch {torch.__version__} with {library}', parameters=sum(p.numel() for p in model.parameters()))
for request in sys.stdin:
    before = time.perf_counter()
    loss = step()
    say(ms=(time.perf_counter() - before) * 1000, loss=loss)
