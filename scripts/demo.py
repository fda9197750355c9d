# SPDX-License-Identifier: Apache-2.0
"""The demo after the build: handwritten digits, recognised without either party showing what it holds."""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHADES = " .:-=+*#%@"


def picture(image):
    """An image as lines of text, two characters a pixel."""
    scaled = (image - image.min()) / max(float(np.ptp(image)), 1e-9) * (len(SHADES) - 1)
    return ["".join(SHADES[int(value)] * 2 for value in row) for row in scaled]


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--model", default="digits_lenet", choices=["digits_lenet", "mnist8"])
    parser.add_argument("--samples", type=int, default=4)
    arguments = parser.parse_args()
    folder = ROOT / "examples" / "models" / arguments.model
    source = next(folder.glob("in_0_*.npy"))
    images, labels = np.load(source), np.load(folder / "labels.npy").reshape(-1)
    chosen = slice(len(images) - arguments.samples, None)  # not among those that calibrate

    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        np.save(temporary / "images.npy", images[chosen])
        np.save(temporary / "calibration.npy", images[:32])
        command = ["build/release/bin/dyad", "run", f"examples/models/{arguments.model}/model.onnx", "--calibrate",
                   str(temporary / "calibration.npy"), "--input", str(temporary / "images.npy"), "--output",
                   str(temporary / "logits.npy"), "--stats", str(temporary / "stats.json")]
        print("\n$ " + shlex.join(command) + "\n", flush=True)
        status = subprocess.run(command, cwd=ROOT).returncode
        if status:
            sys.exit(status)
        logits = np.load(temporary / "logits.npy").reshape(arguments.samples, -1)
        stats = json.loads((temporary / "stats.json").read_text())

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    expected = np.concatenate([session.run(None, {name: image})[0].reshape(1, -1) for image in images[chosen]])

    print()
    side = min(arguments.samples, 4) if arguments.model == "digits_lenet" else 1
    pictures = [picture(image.reshape(image.shape[-2:])) for image in images[chosen][:side]]
    for lines in zip(*pictures):
        print("   ".join(lines).rstrip())
    print()
    predictions, floats = logits.argmax(axis=1), expected.argmax(axis=1)
    print("sample  prediction  label  ONNX Runtime  largest difference of a logit")
    for i in range(arguments.samples):
        print(f"{i:6}  {predictions[i]:10}  {labels[chosen][i]:5}  {floats[i]:12}  {np.abs(logits[i] - expected[i]).max():.4f}")
    online = stats["phases"]["online"]
    print(f"\nagreement with ONNX Runtime: {int((predictions == floats).sum())} of {arguments.samples}; "
          f"correct: {int((predictions == labels[chosen]).sum())} of {arguments.samples}")
    print(f"a sample: {online['seconds'] / arguments.samples:.3f} s online, "
          f"{(online['bytes_sent'] + online['bytes_received']) / arguments.samples / 1e6:.2f} MB, "
          f"{online['flows'] // arguments.samples} flows; "
          f"in all {stats['seconds']:.2f} s and {(stats['bytes_sent'] + stats['bytes_received']) / 1e6:.2f} MB with set-up")


if __name__ == "__main__":
    main()
