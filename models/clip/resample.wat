;; The inner loops of resample.ts in 128-bit vectors; `npm run -s generate:resample` assembles them into resample-wasm.ts.
;;
;; A pixel is four bytes, the fourth meaningless, so that its channels are the lanes of one vector and no lane ever crosses over.
;; Sums are Pillow's: 32-bit, in steps of 2^-22, with 2^21 added first so that the last shift rounds. All overshoot is into
;; slack: the caller leaves 16 bytes behind each array.
(module
  (memory (export "memory") 1)

  ;; Pixels of three bytes to pixels of four, four at a time.
  (func (export "expand") (param $from i32) (param $to i32) (param $pixels i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $pixels) (i32.const 2))))
    (loop $four
      (v128.store (local.get $to)
        (i8x16.swizzle (v128.load (local.get $from)) (v128.const i8x16 0 1 2 -1 3 4 5 -1 6 7 8 -1 9 10 11 -1)))
      (local.set $from (i32.add (local.get $from) (i32.const 12)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $four (i32.lt_u (local.get $to) (local.get $end)))))

  ;; One row of `line` to `count` pixels at `out`. For each output pixel the table has: where its span begins in the line (in
  ;; bytes), how long its entry is (in bytes), then four weights at a time.
  ;;
  ;; A weight has 23 bits and a sign; the instruction that multiplies and adds pairs of lanes takes 16. So a weight is two
  ;; numbers, its low 15 bits and what lies above, whose sums meet at the end; that the low sum may wrap does no harm, for the
  ;; total fits. Four weights w x y z lie as (w x low) (w x high) (y z low) (y z high), 16 bits each.
  (func (export "row") (param $line i32) (param $table i32) (param $count i32) (param $out i32)
    (local $end i32) (local $entry_end i32) (local $at i32)
    (local $four v128) (local $two v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
    (loop $output
      (local.set $at (i32.add (local.get $line) (i32.load (local.get $table))))
      (local.set $entry_end (i32.add (local.get $table) (i32.load offset=4 (local.get $table))))
      (local.set $table (i32.add (local.get $table) (i32.const 8)))
      (local.set $low (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (local.set $high (v128.const i32x4 0 0 0 0))
      (loop $taps
        (local.set $four (v128.load (local.get $at)))
        ;; Bytes r g b _ R G B _ as 16-bit lanes r R g G b B _ _, for the first two pixels and for the last two.
        (local.set $two
          (i8x16.swizzle (local.get $four) (v128.const i8x16 0 -1 4 -1 1 -1 5 -1 2 -1 6 -1 3 -1 7 -1)))
        (local.set $low (i32x4.add (local.get $low)
          (i32x4.dot_i16x8_s (local.get $two) (v128.load32_splat (local.get $table)))))
        (local.set $high (i32x4.add (local.get $high)
          (i32x4.dot_i16x8_s (local.get $two) (v128.load32_splat offset=4 (local.get $table)))))
        (local.set $two
          (i8x16.swizzle (local.get $four) (v128.const i8x16 8 -1 12 -1 9 -1 13 -1 10 -1 14 -1 11 -1 15 -1)))
        (local.set $low (i32x4.add (local.get $low)
          (i32x4.dot_i16x8_s (local.get $two) (v128.load32_splat offset=8 (local.get $table)))))
        (local.set $high (i32x4.add (local.get $high)
          (i32x4.dot_i16x8_s (local.get $two) (v128.load32_splat offset=12 (local.get $table)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $table (i32.add (local.get $table) (i32.const 16)))
        (br_if $taps (i32.lt_u (local.get $table) (local.get $entry_end))))
      (local.set $low
        (i32x4.shr_s (i32x4.add (local.get $low) (i32x4.shl (local.get $high) (i32.const 15))) (i32.const 22)))
      ;; Narrowing clips to 0 to 255.
      (local.set $low (i16x8.narrow_i32x4_s (local.get $low) (local.get $low)))
      (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $low) (local.get $low)))
      (local.set $out (i32.add (local.get $out) (i32.const 4)))
      (br_if $output (i32.lt_u (local.get $out) (local.get $end)))))

  ;; Rows of `stride` bytes (a multiple of 8) to `count` such rows at `out`. For each output row the table has: where its span
  ;; begins in `rows` (in bytes), how long its entry is (in bytes), then its weights. The first pass has left so few samples
  ;; that plain 32-bit products will do.
  (func (export "columns") (param $rows i32) (param $stride i32) (param $table i32) (param $count i32) (param $out i32)
    (local $end i32) (local $entry_end i32) (local $first i32) (local $x i32) (local $at i32) (local $weight i32)
    (local $eight v128) (local $by v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (local.get $stride))))
    (loop $output
      (local.set $first (i32.add (local.get $rows) (i32.load (local.get $table))))
      (local.set $entry_end (i32.add (local.get $table) (i32.load offset=4 (local.get $table))))
      (local.set $x (i32.const 0))
      (loop $across
        (local.set $low (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $high (local.get $low))
        (local.set $at (i32.add (local.get $first) (local.get $x)))
        (local.set $weight (i32.add (local.get $table) (i32.const 8)))
        (loop $taps
          (local.set $eight (v128.load8x8_u (local.get $at)))
          (local.set $by (v128.load32_splat (local.get $weight)))
          (local.set $low (i32x4.add (local.get $low)
            (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $eight)) (local.get $by))))
          (local.set $high (i32x4.add (local.get $high)
            (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $eight)) (local.get $by))))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $taps (i32.lt_u (local.get $weight) (local.get $entry_end))))
        (local.set $low (i16x8.narrow_i32x4_s
          (i32x4.shr_s (local.get $low) (i32.const 22)) (i32x4.shr_s (local.get $high) (i32.const 22))))
        (v128.store64_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $low) (local.get $low)))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $x (i32.add (local.get $x) (i32.const 8)))
        (br_if $across (i32.lt_u (local.get $x) (local.get $stride))))
      (local.set $table (local.get $entry_end))
      (br_if $output (i32.lt_u (local.get $out) (local.get $end))))))
