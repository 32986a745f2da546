# The other side of bench/preprocess.ts: answers each line {"file", "width", "height", "to": [w, h], "crop",
# "repeat"} with one line
# of milliseconds of processor time, for Pillow's resize alone and for all steps of Hugging Face's CLIPImageProcessor with numpy.
import hashlib
import json
import sys
import time

import numpy as np
from PIL import Image

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
images = {}


def pixel_values(image, to, crop):
    levels = np.asarray(image.resize(to, Image.BICUBIC))
    top, left = (levels.shape[0] - crop) // 2, (levels.shape[1] - crop) // 2
    values = (levels[top:top + crop, left:left + crop] * (1 / 255)).astype(np.float32)
    return np.ascontiguousarray(((values - MEAN) / STD).transpose(2, 0, 1))


def timed(work):
    start = time.process_time()
    for _ in range(case["repeat"]):
        result = work()
    return (time.process_time() - start) * 1000 / case["repeat"], result


for line in sys.stdin:
    case = json.loads(line)
    size, to, crop = (case["width"], case["height"]), tuple(case["to"]), case["crop"]
    if case["file"] not in images:
        with open(case["file"], "rb") as file:
            images[case["file"]] = Image.frombytes("RGB", size, file.read())
    image = images[case["file"]]
    resize_ms, resized = timed(lambda: image.resize(to, Image.BICUBIC))
    pixel_values_ms, values = timed(lambda: pixel_values(image, to, crop))
    answer = {"resize": resize_ms, "pixelValues": pixel_values_ms,
              "resizeSha256": hashlib.sha256(resized.tobytes()).hexdigest(),
              "pixelValuesSha256": hashlib.sha256(values.tobytes()).hexdigest()}
    print(json.dumps(answer), flush=True)
