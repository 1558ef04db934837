"""Files for people: the ageing, statements, deposits, the stock book and the month-end pack; made without a page."""
