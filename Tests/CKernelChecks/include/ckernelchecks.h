#pragma once
#include "ckernels.h"

// Checks every op of `table` against the reference on odd shapes, and each backward of both against central
// differences. Writes one line per failure to `report` (capacity bytes, always terminated). Returns failures.
size_t kl_check(const kl_table *table, char *report, size_t capacity);
