;; A layer of integers for one sample: eight products at a time.
;;
;; Inputs and weights have 16 bits and rows of a multiple of 8 numbers; sums have 32 bits, of which
;; the layer drops the low 8. Outputs with a limit above 0 are clipped to 0..limit and stored in 16
;; bits, as inputs of the next layer; others are stored in 32.
(module
  (memory (export "memory") 8)
  (func (export "dense")
    (param $inputs i32) (param $bytes i32) ;; where they are, and the bytes of a row
    (param $weights i32) (param $biases i32) (param $units i32)
    (param $outputs i32) (param $limit i32)
    (local $at i32) (local $end i32) (local $sum i32) (local $sums v128)
    (local.set $end (i32.add (local.get $inputs) (local.get $bytes)))
    (loop $unit
      (local.set $sums (v128.const i32x4 0 0 0 0))
      (local.set $at (local.get $inputs))
      (loop $eight
        (local.set $sums
          (i32x4.add (local.get $sums)
            (i32x4.dot_i16x8_s
              (v128.load (local.get $at))
              (v128.load (local.get $weights)))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 16)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $eight (i32.lt_u (local.get $at) (local.get $end))))
      (local.set $sum
        (i32.shr_s
          (i32.add
            (i32.load (local.get $biases))
            (i32.add
              (i32.add
                (i32x4.extract_lane 0 (local.get $sums))
                (i32x4.extract_lane 1 (local.get $sums)))
              (i32.add
                (i32x4.extract_lane 2 (local.get $sums))
                (i32x4.extract_lane 3 (local.get $sums)))))
          (i32.const 8)))
      (if (i32.gt_s (local.get $limit) (i32.const 0))
        (then
          (if (i32.lt_s (local.get $sum) (i32.const 0))
            (then (local.set $sum (i32.const 0))))
          (if (i32.gt_s (local.get $sum) (local.get $limit))
            (then (local.set $sum (local.get $limit))))
          (i32.store16 (local.get $outputs) (local.get $sum))
          (local.set $outputs (i32.add (local.get $outputs) (i32.const 2))))
        (else
          (i32.store (local.get $outputs) (local.get $sum))
          (local.set $outputs (i32.add (local.get $outputs) (i32.const 4)))))
      (local.set $biases (i32.add (local.get $biases) (i32.const 4)))
      (local.set $units (i32.sub (local.get $units) (i32.const 1)))
      (br_if $unit (local.get $units)))))
