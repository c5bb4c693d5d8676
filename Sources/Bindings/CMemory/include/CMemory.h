#pragma once

#include <stddef.h>

// Memory for tables that grow large and are looked into at random places.
//
// From two megabytes on it comes in pages of that size where the system has them: a fault for each four kilobytes, and a
// walk through the tables of pages at each look, cost more than what is done with a row. It grows by moving pages.

#ifdef __cplusplus
extern "C" {
#endif

/// Memory of `size` bytes that begins with what is in `old`, which had `old_size` and is gone then; NULL when there is none.
/// What is behind `old_size` is not said.
void *sluice_memory_resize(void *old, size_t old_size, size_t size);

/// Memory of `size` zero bytes; NULL when there is none.
void *sluice_memory_zeroed(size_t size);

/// Gives back memory of `size` bytes.
void sluice_memory_free(void *memory, size_t size);

#ifdef __cplusplus
}
#endif
