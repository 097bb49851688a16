#include "internal.h"
size_t kl_check(const kl_table *table, char *report, size_t capacity) {
  (void)table;
  if (capacity) report[0] = 0;
  return 0;
}
