"""The container that the packs of `schemas/` have: names that are sorted, and one deflated record for each.

Layout, integers little-endian and 32 bits wide:

    magic, 8 bytes | count | names length | dictionary length, deflated | dictionary length
    count x (end of name, end of record)      both relative to the start of their section
    names, sorted, without separators
    dictionary, deflated
    records, each raw deflate with the dictionary as its preset

`src/cfn/pack.rs` reads it. The same records give the same bytes.
"""

import struct
import zlib


def deflate(data, dictionary=None):
    options = {"zdict": dictionary} if dictionary else {}
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, **options)
    return compressor.compress(data) + compressor.flush()


def write_pack(path, magic, records, dictionary):
    """Writes `records`, from name to bytes."""
    names = sorted(records)
    packed = [deflate(records[name], dictionary) for name in names]
    packed_dictionary = deflate(dictionary)
    index, name_end, record_end = bytearray(), 0, 0
    for name, record in zip(names, packed):
        name_end += len(name)
        record_end += len(record)
        index += struct.pack("<II", name_end, record_end)
    header = magic + struct.pack("<IIII", len(names), name_end, len(packed_dictionary), len(dictionary))
    path.write_bytes(header + index + "".join(names).encode() + packed_dictionary + b"".join(packed))
