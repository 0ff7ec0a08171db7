"""Entities: what a text names, where, and how it is masked.

===================  ==================================================================================
Label                What it marks
===================  ==================================================================================
PERSON               a person's name, without title
ORG                  a firm, an authority, a club
GPE, LOC, FAC        a place: country, region, town; a landscape; a building
ADDRESS              a postal address, whole: street, unit, town, postcode, country; or a postcode alone
NORP                 a nationality, a religion, a party
DATE, TIME           a day, month or year (with its time of day); a time of day alone
DURATION             a length of time
MONEY                an amount with its currency; value ``EUR 12.50``
PRODUCT              a product of the user's list, or one that spaCy names
EMAIL, URL, IP       addresses in the net
HANDLE               ``@name``
PHONE                a telephone number; value in E.164 where the country is certain
IBAN, CARD           account and payment card numbers
NATIONAL_ID          a number given to a person by a state; value ``kind:number``
TAX_ID               a tax or VAT number; value ``kind:number``
ORDER, INVOICE,      numbers of the business
TICKET, TRACKING,
CUSTOMER_NUMBER
TERM                 a term of the user's deny list
(others)             spaCy's own labels, as they are: EVENT, LAW, LANGUAGE, WORK_OF_ART, PERCENT,
                     QUANTITY, ORDINAL, CARDINAL
===================  ==================================================================================
"""

from __future__ import annotations

from textcrm.entities.patterns import PATTERNS
from textcrm.entities.recogniser import EntityRecogniser

__all__ = ["PATTERNS", "EntityRecogniser"]
