"""The tree against published vectors, an independent implementation, and itself at every size up to 64."""

import hashlib

import pytest
from pymerkle import InmemoryTree

from soc2ev.vault import merkle

# The reference data of the certificate-transparency project.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SIZES = 64
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(SIZES)]
TREES = [merkle.root(LEAVES[:size]) for size in range(SIZES + 1)]


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_of_the_reference(size):
    """The published entries have the published roots."""
    assert ROOTS[size] == merkle.root([merkle.leaf_hash(entry) for entry in ENTRIES[:size]]).hex()


def test_the_empty_tree_has_the_hash_of_nothing():
    """RFC 6962 defines the root of no entries."""
    assert hashlib.sha256(b"").digest() == merkle.Frontier().root()


def test_roots_are_those_of_another_implementation():
    """Pymerkle agrees at every size."""
    other = InmemoryTree(algorithm="sha256")
    for number in range(SIZES):
        other.append_entry(b"%d" % number)
        assert other.get_root() == TREES[number + 1]


def test_inclusion_proofs_hold_for_their_own_place_only():
    """Every leaf of every size is proven; another index, leaf, root, size or a changed proof is not."""
    for size in range(1, SIZES + 1):
        for index in range(size):
            leaf, tree = LEAVES[index], TREES[size]
            proof = merkle.inclusion(LEAVES[:size], index)
            assert merkle.check_inclusion(leaf, index, size, proof, tree)
            assert not merkle.check_inclusion(merkle.leaf_hash(b"other"), index, size, proof, tree)
            assert not merkle.check_inclusion(leaf, index, size, [*proof, tree], tree)
            assert not merkle.check_inclusion(leaf, index, size, proof, TREES[size - 1])
            assert not merkle.check_inclusion(leaf, size, size, proof, tree)
            assert not merkle.check_inclusion(leaf, -1, size, proof, tree)
            if proof:
                assert not merkle.check_inclusion(leaf, index, size, proof[:-1], tree)
                assert not merkle.check_inclusion(leaf, index ^ 1, size, proof, tree)
                assert not merkle.check_inclusion(leaf, index, size, [tree, *proof[1:]], tree)


def test_consistency_proofs_hold_for_their_own_sizes_only():
    """Every earlier size is a prefix of every later one; another root, size or a changed proof is not."""
    for new in range(1, SIZES + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency(LEAVES[:new], old)
            assert merkle.check_consistency(old, new, TREES[old], TREES[new], proof)
            assert not merkle.check_consistency(old, new, TREES[old - 1], TREES[new], proof)
            assert not merkle.check_consistency(old, new, TREES[old], TREES[new - 1], proof)
            assert not merkle.check_consistency(old, new, TREES[old], TREES[new], [*proof, TREES[new]])
            assert not merkle.check_consistency(0, new, TREES[0], TREES[new], proof)
            assert not merkle.check_consistency(new + 1, new, TREES[old], TREES[new], proof)
            if proof:
                assert not merkle.check_consistency(old, new, TREES[old], TREES[new], proof[:-1])
                assert not merkle.check_consistency(old, new, TREES[old], TREES[new], [])


def test_proofs_agree_with_another_implementation():
    """What pymerkle proves about our leaves has our roots: its proofs are made of the same hashes."""
    other = InmemoryTree(algorithm="sha256")
    for number in range(21):
        other.append_entry(b"%d" % number)
    theirs = {step.hex() for step in (bytes.fromhex(text) for text in other.prove_inclusion(7, 21).serialize()["path"])}
    assert {step.hex() for step in merkle.inclusion(LEAVES[:21], 6)} <= theirs


@pytest.mark.parametrize(("size", "asked"), [(4, -1), (4, 4), (0, 0)])
def test_there_is_no_proof_for_what_is_not_there(size, asked):
    """An index outside the tree is refused."""
    with pytest.raises(IndexError):
        merkle.inclusion(LEAVES[:size], asked)


@pytest.mark.parametrize(("size", "asked"), [(4, 0), (4, 5)])
def test_there_is_no_consistency_with_what_never_was(size, asked):
    """A size outside the tree is refused."""
    with pytest.raises(IndexError):
        merkle.consistency(LEAVES[:size], asked)


def test_a_leaf_is_no_node():
    """Two hashes put together as an entry do not hash to their parent."""
    left, right = LEAVES[:2]
    assert merkle.node_hash(left, right) != merkle.leaf_hash(left + right)
