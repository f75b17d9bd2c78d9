/*
 * The journal's file: two slots, written in place and in turn, each with a number and a checksum. One process writes, with the lock, and
 * dies in the middle now and then; another reads without the lock (ti_turn_look_locked). A slot that is being written, or was left so, has a
 * wrong checksum.
 *
 * M_TOGGLE: the slot to write is not chosen by what was read. M_INPLACE: there is only one. M_ONEREAD: who reads without the lock believes
 * what he reads first.
 */
#ifndef WRITES
#define WRITES 5
#endif
#ifndef DEATHS
#define DEATHS 3
#endif

byte number[2] = 0;
bool good[2];
byte durable = 2;       /* ghost: the newest image that a process went on after */
byte writes = WRITES, deaths = DEATHS;
bool toggle = false;

/* The newest slot with a right checksum; 0: both are bad. */
#define NEWEST(a, b) ((a) > (b) -> (a) : (b))
#define READ(k) (good[k] -> number[k] : 0)

proctype Writer() {
  byte newest, k;
end:
  do
  :: atomic { writes > 0 ->
       writes--;
       newest = NEWEST(READ(0), READ(1));
       assert(newest >= durable);        /* what was noted is there, whoever died since */
#if defined(M_TOGGLE)
       k = toggle; toggle = !toggle;
#elif defined(M_INPLACE)
       k = 0;
#else
       k = (newest + 1) % 2;
#endif
       good[k] = false; number[k] = newest + 1 }
     if
     :: atomic { good[k] = true }
        if
        :: atomic { durable = newest + 1 }
        :: atomic { deaths > 0 -> deaths-- } /* written, and nobody went on after it */
        fi
     :: atomic { deaths > 0 -> deaths-- }    /* torn */
     fi;
     atomic { newest = 0; k = 0 }
  od
}

proctype Reader() {
  byte first, second, since;

  since = durable;
again:
  first = READ(0);
  second = READ(1);
  if
#ifndef M_ONEREAD
  :: first == 0 && second == 0 -> goto again
#endif
  :: else
  fi;
  assert(first != 0 || second != 0);                 /* nothing is called corrupt that is not */
  /* He may be one behind, where both slots were written while he read: what he loads then is never sent without the turn. */
  assert(NEWEST(first, second) + 1 >= since)
}

init { atomic { number[0] = 2; number[1] = 1; good[0] = true; good[1] = true; run Writer(); run Reader() } }
