"""Twenty-two days of such a business as stories, each told in files and asked of the books.

==  ==========================================================================  ==========
 1  pending at 23:59, settled at 00:03                                          clocks
 2  a biller's window from noon to noon                                         clocks
 3  timeout, retry at another partner, then the first succeeds after all        deliveries
 4  answered with 13, duplicate, then rerouted                                  deliveries
 5  a callback after the final check                                            deliveries
 6  refund on the ninth day, the month closed                                   amounts
 7  the price changes at ten, rows on both sides of it                          deliveries
 8  the deposit dry at two on a day of joint leave                              deliveries
 9  a top-up ticket in two transfers                                            topups
10  a file cut at row 200,000, its second part late                             files
11  the same file under two names                                               files
12  an empty file and no file                                                   files
13  UTC+0 one day, UTC+8 the next                                               clocks
14  amounts like ``1.000``                                                      files
15  ids like ``00123``, serials of twenty digits                                files
16  +1,000 and -1,000 side by side                                              amounts
17  a partner's id that comes again after 90 days                               clocks
18  a settlement due before the holidays, paid after them                       clocks
19  a net settlement short by a clearing fee                                    amounts
20  tax withheld on the receipt of a deposit                                    topups
21  an adjustment after the seal                                                amounts
22  a rule that flips rows of last month                                        amounts
==  ==========================================================================  ==========
"""
