import CKernels

extension KernelStream {
  /// Sets every value to 0.
  package func zero(_ values: FloatSlice) {
    unsafe ops.zero(raw, pointer(values, values.count), values.count)
  }

  /// output = a + b; output may be a or b.
  package func add(_ output: FloatSlice, _ a: FloatSlice, _ b: FloatSlice) {
    let count = output.count
    unsafe ops.add(raw, pointer(output, count), pointer(a, count), pointer(b, count), count)
  }

  /// output[r] = input[rows[r]], for rows of `width` values; output may be input where rows ascend.
  package func gatherRows(
    _ output: FloatSlice, input: FloatSlice, rows: IntSlice, count: Int, width: Int
  ) {
    unsafe ops.gather_rows(
      raw, pointer(output, count * width), pointer(input, width), pointer(rows, count), count, width
    )
  }

  /// output = the sum of the lanes, added in their order; output may be the first of them.
  package func sumLanes(_ output: FloatSlice, lanes: [FloatSlice]) {
    let count = output.count
    let pointers: [UnsafePointer<Float>?] = unsafe lanes.map {
      unsafe UnsafePointer(pointer($0, count))
    }
    unsafe pointers.withUnsafeBufferPointer { list in
      unsafe ops.sum_lanes(raw, pointer(output, count), list.baseAddress, lanes.count, count)
    }
  }

  /// Sum of squares in double precision, in a fixed order.
  package func sumOfSquares(_ values: FloatSlice) -> Double {
    unsafe ops.sum_of_squares(raw, pointer(values, values.count), values.count)
  }
}
