/* A store that takes everything and keeps nothing. */
#ifndef TS_FORGETFUL_STORE_H
#define TS_FORGETFUL_STORE_H

#include <tacit/store.h>

/* To be copied and changed: load answers TACIT_ERR_STORE_NOT_FOUND, save and erase TACIT_OK. The rest is not set. */
extern const tacit_store_ops forgetful_store_ops;

#endif
