;; A layer of integers for four samples: blocks of eight units, two inputs at a time.
;;
;; Inputs have 16 bits; a row of them, one sample, takes 512 bytes. Weights have 16 bits and go
;; block by block: for two inputs, those of the first unit, of the second, ... of the eighth. Sums
;; have 32 bits, of which the layer drops the low 8. Outputs with a limit above 0 are clipped to
;; 0..limit and stored in 16 bits, as inputs of the next layer; others are stored in 32. Their rows
;; take 512 bytes, too.
(module
  (memory (export "memory") 8)
  (func (export "dense")
    (param $inputs i32) (param $bytes i32) ;; where they are, and the bytes used of a row
    (param $weights i32) (param $biases i32) (param $blocks i32)
    (param $outputs i32) (param $limit i32)
    (local $at i32) (local $end i32)
    (local $low v128) (local $high v128) (local $two v128) (local $most v128)
    ;; Sums by sample, of the first four units and of the others.
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)
    (local.set $end (i32.add (local.get $inputs) (local.get $bytes)))
    (local.set $most (i32x4.splat (local.get $limit)))
    (loop $block
      (local.set $low (v128.load (local.get $biases)))
      (local.set $high (v128.load offset=16 (local.get $biases)))
      (local.set $a0 (local.get $low)) (local.set $b0 (local.get $high))
      (local.set $a1 (local.get $low)) (local.set $b1 (local.get $high))
      (local.set $a2 (local.get $low)) (local.set $b2 (local.get $high))
      (local.set $a3 (local.get $low)) (local.set $b3 (local.get $high))
      (local.set $at (local.get $inputs))
      (loop $pair
        (local.set $low (v128.load (local.get $weights)))
        (local.set $high (v128.load offset=16 (local.get $weights)))
        (local.set $two (v128.load32_splat (local.get $at)))
        (local.set $a0 (i32x4.add (local.get $a0) (i32x4.dot_i16x8_s (local.get $two) (local.get $low))))
        (local.set $b0 (i32x4.add (local.get $b0) (i32x4.dot_i16x8_s (local.get $two) (local.get $high))))
        (local.set $two (v128.load32_splat offset=512 (local.get $at)))
        (local.set $a1 (i32x4.add (local.get $a1) (i32x4.dot_i16x8_s (local.get $two) (local.get $low))))
        (local.set $b1 (i32x4.add (local.get $b1) (i32x4.dot_i16x8_s (local.get $two) (local.get $high))))
        (local.set $two (v128.load32_splat offset=1024 (local.get $at)))
        (local.set $a2 (i32x4.add (local.get $a2) (i32x4.dot_i16x8_s (local.get $two) (local.get $low))))
        (local.set $b2 (i32x4.add (local.get $b2) (i32x4.dot_i16x8_s (local.get $two) (local.get $high))))
        (local.set $two (v128.load32_splat offset=1536 (local.get $at)))
        (local.set $a3 (i32x4.add (local.get $a3) (i32x4.dot_i16x8_s (local.get $two) (local.get $low))))
        (local.set $b3 (i32x4.add (local.get $b3) (i32x4.dot_i16x8_s (local.get $two) (local.get $high))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $pair (i32.lt_u (local.get $at) (local.get $end))))
      (local.set $a0 (i32x4.shr_s (local.get $a0) (i32.const 8)))
      (local.set $b0 (i32x4.shr_s (local.get $b0) (i32.const 8)))
      (local.set $a1 (i32x4.shr_s (local.get $a1) (i32.const 8)))
      (local.set $b1 (i32x4.shr_s (local.get $b1) (i32.const 8)))
      (local.set $a2 (i32x4.shr_s (local.get $a2) (i32.const 8)))
      (local.set $b2 (i32x4.shr_s (local.get $b2) (i32.const 8)))
      (local.set $a3 (i32x4.shr_s (local.get $a3) (i32.const 8)))
      (local.set $b3 (i32x4.shr_s (local.get $b3) (i32.const 8)))
      (if (i32.gt_s (local.get $limit) (i32.const 0))
        (then
          (v128.store (local.get $outputs)
            (call $clipped (local.get $a0) (local.get $b0) (local.get $most)))
          (v128.store offset=512 (local.get $outputs)
            (call $clipped (local.get $a1) (local.get $b1) (local.get $most)))
          (v128.store offset=1024 (local.get $outputs)
            (call $clipped (local.get $a2) (local.get $b2) (local.get $most)))
          (v128.store offset=1536 (local.get $outputs)
            (call $clipped (local.get $a3) (local.get $b3) (local.get $most)))
          (local.set $outputs (i32.add (local.get $outputs) (i32.const 16))))
        (else
          (v128.store (local.get $outputs) (local.get $a0))
          (v128.store offset=16 (local.get $outputs) (local.get $b0))
          (v128.store offset=512 (local.get $outputs) (local.get $a1))
          (v128.store offset=528 (local.get $outputs) (local.get $b1))
          (v128.store offset=1024 (local.get $outputs) (local.get $a2))
          (v128.store offset=1040 (local.get $outputs) (local.get $b2))
          (v128.store offset=1536 (local.get $outputs) (local.get $a3))
          (v128.store offset=1552 (local.get $outputs) (local.get $b3))
          (local.set $outputs (i32.add (local.get $outputs) (i32.const 32)))))
      (local.set $biases (i32.add (local.get $biases) (i32.const 32)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $block (local.get $blocks))))
  ;; Eight sums as numbers of 16 bits in 0..most.
  (func $clipped (param $low v128) (param $high v128) (param $most v128) (result v128)
    (i16x8.narrow_i32x4_s
      (i32x4.max_s (v128.const i32x4 0 0 0 0) (i32x4.min_s (local.get $low) (local.get $most)))
      (i32x4.max_s (v128.const i32x4 0 0 0 0) (i32x4.min_s (local.get $high) (local.get $most))))))
