/* What a worker does for an identity: whatever is due, one thing after the other. */
#ifndef TI_WORK_H
#define TI_WORK_H

#include "session/refresher.h"

/* Of every identity's task. */
extern const ti_task_ops ti_work_ops;

#endif
