#pragma once
// SHA256_Init and its like are a plain struct and three calls; OpenSSL 3 would rather have a context
// on the heap and calls them deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
