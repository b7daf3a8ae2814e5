#!/bin/sh
# Install into an image what jobs need: all of requirements-lock.txt, by the pip and with the npm of
# the Makefile. TORCH_BUILD, such as cu126, takes that build of torch from PyTorch's index
# (TORCH_INDEX, if not the Makefile's); without it pip takes its own index's, for a recent CUDA.
set -eu

in_makefile() { sed -n "s/^$1 [:?]= //p" Makefile; }

python -m pip install --no-cache-dir "$(in_makefile PIP)"
if [ -n "${TORCH_BUILD:-}" ]; then
  python -m pip install --no-cache-dir --no-deps \
    --index-url "${TORCH_INDEX:-$(in_makefile TORCH_INDEX)}/$TORCH_BUILD" \
    "$(grep '^torch==' requirements-lock.txt)"
fi
python -m pip install --no-cache-dir -r requirements-lock.txt "$(in_makefile NODE)"
