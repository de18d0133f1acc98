"""Huffman codes of limited length, as deflate has them. Source: RFC 1951, section 3.2.2."""

import numpy as np

from immichvr_splats.compiled import I64, U64, kernel

LONGEST_CODE = 15
"""Bits of the longest code that deflate allows."""


@kernel
def code_lengths(counts: I64, longest: int) -> I64:
    """Bits of the best code for each symbol, none longer than `longest`, zero for symbols that do not occur."""
    lengths = np.zeros(counts.shape[0], np.int64)
    used = np.flatnonzero(counts)
    if used.shape[0] < 2:
        lengths[used] = 1
        return lengths
    rarest_first = used[np.argsort(counts[used], kind="mergesort")]
    per_length = _limited(_depths(counts[rarest_first]), longest)
    symbol = used.shape[0]
    for length in range(1, longest + 1):
        for _ in range(per_length[length]):
            symbol -= 1
            lengths[rarest_first[symbol]] = length
    return lengths


@kernel
def code_table(lengths: I64) -> U64:
    """For each symbol its canonical code, last bit first, above eight bits that hold its length."""
    table = np.zeros(lengths.shape[0], np.uint64)
    code = 0
    for length in range(1, LONGEST_CODE + 1):
        code <<= 1
        for symbol in range(lengths.shape[0]):
            if lengths[symbol] == length:
                mirrored = 0
                for bit in range(length):
                    mirrored = mirrored << 1 | (code >> bit) & 1
                table[symbol] = mirrored << 8 | length
                code += 1
    return table


@kernel
def _depths(counts: I64) -> I64:
    """How deep each leaf lies in the Huffman tree over `counts`, (n,) ascending, n at least 2."""
    n = counts.shape[0]
    weights = np.empty(2 * n - 1, np.int64)
    weights[:n] = counts
    parents = np.zeros(2 * n - 1, np.int64)
    leaf, node = 0, n
    for new in range(n, 2 * n - 1):
        weights[new] = 0
        for _ in range(2):  # the two lightest that have no parent: leaves and nodes both come in order of weight
            if leaf < n and (node == new or weights[leaf] <= weights[node]):
                child = leaf
                leaf += 1
            else:
                child = node
                node += 1
            parents[child] = new
            weights[new] += weights[child]
    depths = np.zeros(2 * n - 1, np.int64)
    for child in range(2 * n - 3, -1, -1):
        depths[child] = depths[parents[child]] + 1
    return depths[:n]


@kernel
def _limited(depths: I64, longest: int) -> I64:
    """How many codes of each length, (longest + 1,), once those that are too long have been shortened."""
    per_length = np.zeros(longest + 1, np.int64)
    for i in range(depths.shape[0]):
        per_length[min(depths[i], longest)] += 1
    excess = -(1 << longest)
    for length in range(1, longest + 1):
        excess += per_length[length] << (longest - length)
    for _ in range(excess):  # each round frees one code of the longest length: a shorter one takes a neighbour
        shorter = longest - 1
        while per_length[shorter] == 0:
            shorter -= 1
        per_length[shorter] -= 1
        per_length[shorter + 1] += 2
        per_length[longest] -= 1
    return per_length
