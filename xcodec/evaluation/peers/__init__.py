"""What benchmarks measure: xcodec's variants, other codecs, classical restoration, SSDV."""
