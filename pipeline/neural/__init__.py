"""The CTC acoustic model: a compact PyTorch encoder over phones and blank, its training, and its beam search."""

BLANK = 0  # its token id, and its column of the posteriors
