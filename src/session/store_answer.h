/* What a store may answer, and the sentence that it becomes. */
#ifndef TI_STORE_ANSWER_H
#define TI_STORE_ANSWER_H

#include <tacit/store.h>

typedef enum ti_store_operation { TI_STORE_LOAD, TI_STORE_SAVE, TI_STORE_ERASE } ti_store_operation;

/* The answer, or TACIT_ERR_STORE_FAILED for one that a store may not give: a bug in the store. */
tacit_status ti_store_judge(ti_store_operation operation, tacit_status answer);

/* Makes the error of a call that ended with status; answer is what the store said, unjudged.
 * Answers status. */
tacit_status ti_store_explain(ti_store_operation operation, const tacit_store *store,
                              tacit_status answer, tacit_status status, tacit_error *error);

/* The call did not come to an answer. why: "it ...". Answers status. */
tacit_status ti_store_no_answer(ti_store_operation operation, const tacit_store *store,
                                tacit_status status, const char *why, tacit_error *error);

#endif
