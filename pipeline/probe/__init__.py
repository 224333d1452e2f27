"""What the layers of a recogniser know of phones: linear probes, units, ABX, CKA and boundaries, all of arrays."""
